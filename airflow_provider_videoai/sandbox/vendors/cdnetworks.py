# SPDX-License-Identifier: Apache-2.0
"""CDNetworks recommends six calls per minute and API; against a sandbox, tests need not wait for that.

The documents of the new edition type the status as a string.
"""

LOGIN = "SANDBOXACCESSKEY"
PASSWORD = "sandbox-cdnetworks-secret"
EXTRA = {"max_requests_per_minute": 600}
SHAPES = ("int", "string")
