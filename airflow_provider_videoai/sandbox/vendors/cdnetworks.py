# SPDX-License-Identifier: Apache-2.0
"""CDNetworks recommends six calls a minute; a sandbox is harmed by none.

The documents of the new edition type the status as a string.
"""

LOGIN = "SANDBOXACCESSKEY"
PASSWORD = "sandbox-cdnetworks-secret"
EXTRA = {"max_requests_per_minute": 600}
SHAPES = ("int", "string")
