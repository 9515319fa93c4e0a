# SPDX-License-Identifier: Apache-2.0
"""Operators that copy results to the user's own storage."""
