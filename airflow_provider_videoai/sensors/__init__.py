# SPDX-License-Identifier: Apache-2.0
"""Wait for jobs that were submitted elsewhere."""
