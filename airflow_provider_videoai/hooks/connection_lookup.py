# SPDX-License-Identifier: Apache-2.0
"""Translate Airflow's reasons for not returning a connection into this package's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_videoai.airflow_compat import AirflowNotFoundException
from airflow_provider_videoai.jobs import errors

__all__ = ["connection_lookup"]


@contextmanager
def connection_lookup(conn_id: str) -> Iterator[None]:
    """Translate the errors of a lookup in the ``with`` block.

    What Airflow or a secrets backend says is not passed on: it may quote the connection.

    :param conn_id: the connection that is looked up.
    :raises VendorUnavailable: if a retry may help. Airflow says "not defined" also of a connection whose secrets
        backend did not answer, so that this is no proof of a wrong id.
    :raises InvalidRequest: if the connection may not be read from here.
    """
    try:
        yield
    except AirflowNotFoundException:
        raise errors.VendorUnavailable(
            f"connection {conn_id!r} is not defined in Airflow, or the secrets backend that holds it did not answer "
            "(Airflow reports both alike); nothing was sent. If its id is wrong, correct it: a retry looks it up again"
        ) from None
    except PermissionError:
        raise errors.InvalidRequest(f"connection {conn_id!r} may not be read from here; nothing was sent") from None
    # Only the class is shown, and `from None` hides the cause: a traceback would print what the backend said.
    except Exception as failure:  # noqa: BLE001 - backends are anybody's
        why = f"{type(failure).__name__}: does its secrets backend answer?"
        raise errors.VendorUnavailable(
            f"connection {conn_id!r} cannot be read from Airflow ({why}); nothing was sent"
        ) from None
