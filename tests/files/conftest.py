# SPDX-License-Identifier: Apache-2.0
"""A bucket for the user's files."""

from __future__ import annotations

from tests.support.stores import s3_server, s3_store

__all__ = ["s3_server", "s3_store"]
