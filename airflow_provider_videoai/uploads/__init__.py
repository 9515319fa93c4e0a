# SPDX-License-Identifier: Apache-2.0
"""Upload the user's files to a vendor, and check media before a submit."""
