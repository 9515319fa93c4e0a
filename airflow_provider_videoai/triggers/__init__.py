# SPDX-License-Identifier: Apache-2.0
"""Waiting without a worker slot."""
