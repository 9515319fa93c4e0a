# SPDX-License-Identifier: Apache-2.0
"""Values from outside, read and made safe: the lowest floor, which imports nothing of this package."""
