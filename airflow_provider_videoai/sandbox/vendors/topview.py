# SPDX-License-Identifier: Apache-2.0
"""Topview's own client accepts both words for a failed task."""

LOGIN = "sandbox-topview-uid"
PASSWORD = "sandbox-topview-key"
SHAPES = ("fail", "failed")
