# SPDX-License-Identifier: Apache-2.0
"""Real media: fetched, inpainted, cut, drawn, spoken and served."""
