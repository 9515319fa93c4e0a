# SPDX-License-Identifier: Apache-2.0
"""Real media: fetched, repainted, cut, drawn, spoken and served."""
