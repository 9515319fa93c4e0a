# SPDX-License-Identifier: Apache-2.0
"""What a vendor is to the engine, without any I/O: its calls, its responses, its rules."""
