# SPDX-License-Identifier: Apache-2.0
"""Tasks made of functions."""
