# SPDX-License-Identifier: Apache-2.0
"""The user's own files: where they are, and what is reported to lineage."""
