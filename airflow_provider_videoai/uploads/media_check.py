# SPDX-License-Identifier: Apache-2.0
"""Check a request's media before the submit: that it can be fetched, and the vendor's documented limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_videoai.jobs.errors import InvalidRequest, VendorUnavailable
from airflow_provider_videoai.jobs.media_limits import MediaLimits
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.request import JobRequest

__all__ = ["InputUnavailable", "check_arguments_for", "check_fetchable", "check_media"]


class InputUnavailable(VendorUnavailable):
    """The server of an input is unreachable or too slow: of one job, and not of the vendor. Nothing was sent."""


def check_arguments_for(request_class: type[JobRequest], **given: object) -> None:
    """Check that arguments about inputs are of use to an operation.

    :param request_class: the operation's.
    :param given: the arguments by name; ``None`` and ``False`` for those that are not set.
    :raises InvalidRequest: naming the argument, if the vendor fetches no URL, or documents no limits for
        ``check_media``.
    """
    for name, value in given.items():
        if value is None or value is False:
            continue
        if not request_class.inputs():
            raise InvalidRequest(f"{name}: must be left out: {request_class.operation} fetches no URL")
        if name == "check_media" and not request_class.media_limits:
            raise InvalidRequest(
                f"{name}: must be left out: no limits are documented for the media of {request_class.operation}"
            )


def check_media(request: JobRequest, account: Account) -> None:
    """Check the media of each field that has documented limits; only the headers of the files are fetched.

    :param request: about to be submitted.
    :param account: decides whether private addresses may be read.
    :raises InvalidRequest: if a file exceeds a limit, or is not media; the message names the field and the rule.
    :raises InputUnavailable: if its server is unreachable or too slow.
    """
    for field, limits in request.media_limits.items():
        if url := getattr(request, field):
            _check(field, url, limits, account)


def check_fetchable(request: JobRequest, account: Account) -> None:
    """Check that each input that the vendor fetches opens at its URL; one byte of each is requested.

    :param request: about to be submitted, its inputs in stores signed.
    :param account: decides whether private addresses may be read.
    :raises InvalidRequest: if a URL does not open or leads to a web page; the message names the field and the rule.
    :raises InputUnavailable: if its server is unreachable or too slow.
    """
    from airflow_provider_videoai.media.remote import check_opens

    for field in request.inputs():
        if url := getattr(request, field):
            with _errors_of(field, account):
                check_opens(url, allow_private=account.options.allow_private_addresses)


def _check(field: str, url: str, limits: MediaLimits, account: Account) -> None:
    # Imported here: DAG parsing is a hot path, and this loads aiohttp.
    from airflow_provider_videoai.media.probe import NotMedia, probe
    from airflow_provider_videoai.media.remote import PART, RemoteFile

    with (
        _errors_of(field, account),
        io.BufferedReader(RemoteFile(url, allow_private=account.options.allow_private_addresses), PART) as file,
    ):
        try:
            facts = probe(file)
        except NotMedia as failure:
            raise InvalidRequest(str(failure)) from failure
    broken = limits.broken(
        container=facts.container,
        size=facts.size,
        duration_ms=facts.duration_ms,
        shorter_side=facts.video.shorter_side if facts.video else None,
    )
    if text := "; ".join(broken):
        raise InvalidRequest(f"{field}: {text}; nothing was sent")


@contextmanager
def _errors_of(field: str, account: Account) -> Iterator[None]:
    """Name the field in the errors of the block, and that nothing was sent."""
    from airflow_provider_videoai.media.addresses import AddressRefused

    try:
        yield
    except AddressRefused as refused:
        raise InvalidRequest(f"{field}: {refused}{refused.advice(account.conn_id)}; nothing was sent") from refused
    except InvalidRequest as wrong:
        raise InvalidRequest(f"{field}: {wrong}; nothing was sent") from wrong
    except VendorUnavailable as failure:
        raise InputUnavailable(f"{field}: {failure}; nothing was sent") from failure
