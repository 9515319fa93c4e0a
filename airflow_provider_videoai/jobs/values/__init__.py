# SPDX-License-Identifier: Apache-2.0
"""Values from outside, read and made safe: the lowest layer, which imports nothing else of this package."""
