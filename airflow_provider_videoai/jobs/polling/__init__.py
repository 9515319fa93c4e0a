# SPDX-License-Identifier: Apache-2.0
"""Wait for jobs: when to poll, what a status means, and how the wait ended."""
