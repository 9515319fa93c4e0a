# SPDX-License-Identifier: Apache-2.0
"""Calls on their way: connections, deadlines, rate limits, network errors."""
