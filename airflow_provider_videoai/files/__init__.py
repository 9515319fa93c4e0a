# SPDX-License-Identifier: Apache-2.0
"""The user's own files: their locations, and lineage."""
