# SPDX-License-Identifier: Apache-2.0
"""The user's files on their way to a vendor."""
