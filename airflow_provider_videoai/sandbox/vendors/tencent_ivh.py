# SPDX-License-Identifier: Apache-2.0
"""Tencent's own samples omit Status: Progress 100 or -1 is all there is."""

LOGIN = "sandbox-ivh-appkey"
PASSWORD = "sandbox-ivh-accesstoken"
SHAPES = ("status", "no_status")
