# SPDX-License-Identifier: Apache-2.0
"""How much waiting costs: this package's triggers beside those of other providers, against one local server."""
