# SPDX-License-Identifier: Apache-2.0
"""Copy the media and subtitles of one result to their destinations, with fresh URLs from the vendor."""

from __future__ import annotations

from typing import Any

from airflow_provider_videoai.files.lineage import report_lineage
from airflow_provider_videoai.files.locations import redacted_path
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.hooks.lookup import hook_for
from airflow_provider_videoai.jobs.errors import InvalidRequest, JobNotFound, ResultUnavailable
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.media.check import check_media_file, check_subtitles, require_library, skip_check
from airflow_provider_videoai.media.download import Rules
from airflow_provider_videoai.media.subtitles import SubtitleFormat
from airflow_provider_videoai.media.transfer import Check, Source, Stored, transfer
from airflow_provider_videoai.media.writing import transfer_as_vtt
from airflow_provider_videoai.registry import VENDORS
from airflow_provider_videoai.transfers.store_failures import open_destination, storage_errors

__all__ = ["ResultCopier"]

_MAX_SUBTITLES_BYTES = 10 * 1024**2
_ARGUMENTS = {"media_url": "destination", "subtitles_url": "subtitles_destination"}
_WORDS = {"media_url": "media", "subtitles_url": "subtitles"}


class ResultCopier:
    """Copies one result to the user's storage.

    :param conn_id: the vendor's connection; ``None`` for its default one.
    :param overwrite: replace files with different content.
    :param verify: check that the media is video or audio.
    :param max_bytes: of the media.
    :raises InvalidRequest: for an unknown vendor, a job that has not ended, or a missing library for ``verify``.
    """

    def __init__(
        self, result: JobResult, *, conn_id: str | None, overwrite: bool, verify: bool, max_bytes: int, log: Log
    ) -> None:
        if result.vendor not in VENDORS:
            raise InvalidRequest(f"result: this package has no vendor {result.vendor!r}")
        if verify:
            require_library()  # before the download, which may take an hour
        self._hook = hook_for(result.vendor, conn_id)
        self._result = _finished(result, self._hook)
        self._overwrite = overwrite
        self._check: Check = check_media_file if verify else skip_check
        self._max_bytes = max_bytes
        self._log = log

    def copy(self, path: str, subtitles_path: str | None) -> dict[str, Any]:
        """Copy the media and, if the result has some, the subtitles.

        :param path: URL of the media's destination.
        :param subtitles_path: URL of the subtitles' destination; ``None`` leaves them out.
        :returns: what was stored: the return value of the task.
        """
        result = self._result
        as_vtt = SubtitleFormat.of(subtitles_path or "") is SubtitleFormat.VTT
        media = self._copy_part("media_url", path, self._check, self._max_bytes)
        subtitles = None
        if subtitles_path and result.subtitles_url:
            stored = self._copy_part(
                "subtitles_url", subtitles_path, check_subtitles, _MAX_SUBTITLES_BYTES, as_vtt=as_vtt
            )
            subtitles = {"path": subtitles_path, "bytes": stored.bytes, "sha256": stored.sha256}
        return {
            "path": path,
            "bytes": media.bytes,
            "sha256": media.sha256,
            "content_type": media.content_type,
            "duration_ms": result.duration_ms if media.duration_ms is None else media.duration_ms,
            "subtitles": subtitles,
            "vendor": result.vendor,
            "operation": result.operation,
            "job_id": result.job_id,
            "media_id": result.media_id,
        }

    def _copy_part(self, part: str, path: str, check: Check, max_bytes: int, *, as_vtt: bool = False) -> Stored:
        url, argument = _url_of(self._result, part), _ARGUMENTS[part]
        account = self._hook.transport.vendor.account

        # Result URLs expire during long downloads; a fresh one costs a status request and buys nothing.
        async def renew() -> str:
            return _url_of(await self._fresh_result(), part)

        source = Source(url=url, renew=renew, name=f"{_WORDS[part]} of {self._name}")
        with storage_errors(source.name, path, self._result.job_id, account.conn_id, argument=argument):
            stored = (transfer_as_vtt if as_vtt else transfer)(
                source,
                open_destination(path, argument),
                rules=Rules(max_bytes=max_bytes, allow_private=account.options.allow_private_addresses),
                check=check,
                overwrite=self._overwrite,
                log=self._log,
            )
        report_lineage(self._hook, inputs=[url], outputs=[path])
        self._log.info(
            "%s: stored at %s, %s bytes, SHA-256 %s", source.name, redacted_path(path), stored.bytes, stored.sha256
        )
        return stored

    @property
    def _name(self) -> str:
        return f"{self._result.operation} job {self._result.job_id}"

    async def _fresh_result(self) -> JobResult:
        try:
            return await self._hook.aresult(self._result.job_id, self._result.operation)
        except JobNotFound as forgotten:
            raise ResultUnavailable(
                f"{self._name}: its URL has expired, and the job is unknown to the vendor",
                job_id=self._result.job_id,
            ) from forgotten


def _finished(result: JobResult, hook: VideoJobHook) -> JobResult:
    """Return the result with its URL. The vendor is queried if it was returned while the job was running."""
    if result.media_url is not None:
        return result
    result = hook.result(result.job_id, result.operation)
    if not result.state.terminal:
        raise InvalidRequest(f"result: job {result.job_id} has not ended; wait for it with the vendor's sensor")
    return result


def _url_of(result: JobResult, part: str) -> str:
    if (url := getattr(result, part)) is None:
        raise ResultUnavailable(f"job {result.job_id} has no {_WORDS[part]}", job_id=result.job_id)
    return str(url)
