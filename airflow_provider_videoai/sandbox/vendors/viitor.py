# SPDX-License-Identifier: Apache-2.0
"""ViiTor documents one form of each response only."""

LOGIN = "100001"
PASSWORD = "sandbox-viitor-token"
EXTRA = {"channel": 100}
