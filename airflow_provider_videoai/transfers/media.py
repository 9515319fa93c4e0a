# SPDX-License-Identifier: Apache-2.0
"""The operator that copies results to the user's own storage before their URLs expire."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from airflow.sdk import Context
from typing_extensions import override

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.model import JobResult
from airflow_provider_videoai.media.subtitles import SubtitleFormat
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.arguments import connection_id, flag
from airflow_provider_videoai.tasks.connection_fields import optional_connection_in
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.tasks.template_literals import RendersText, is_rendered_later
from airflow_provider_videoai.tasks.templated import Results, Text
from airflow_provider_videoai.tasks.xcom import push_parts
from airflow_provider_videoai.transfers.destination import check_template, paths_for, results_of
from airflow_provider_videoai.transfers.outlets import add_outlet, check_outlets, log_no_asset, report_outlets
from airflow_provider_videoai.transfers.source_account import source_connection

__all__ = ["MAX_BYTES", "VideoResultToObjectStorageOperator"]

MAX_BYTES = 10 * 1024**3
"""Default limit of the size of the media, in bytes."""


class VideoResultToObjectStorageOperator(RendersText):
    """Copy a job's media to your own storage: S3, Google Cloud Storage, Azure, a file system.

    The media is streamed, resumed after interruptions, and published whole or not at all. If its URL has expired, the
    vendor is queried for a fresh one, which costs nothing. A destination with the same content stays as it is, so the
    task is idempotent.

    Returns a dict of what was stored: ``path``, ``bytes``, ``sha256``, ``content_type``, ``duration_ms``,
    ``subtitles`` (``path``, ``bytes``, ``sha256``, or ``None``), and ``vendor``, ``operation``, ``job_id``,
    ``media_id`` of the job. For a list of results, a list in the same order. ``keep.output["path"]`` is a part of it
    for another task.

    Outlets of the task get this dict as the extra of their asset event. Without outlets, a ``destination`` that is
    the same at each run is the task's outlet.

    :param result: the return value of a task of this package: ``task.output``, a dict, or a list of them. (templated)
    :param destination: the URL of the file, ``s3://conn@bucket/folder/{job_id}.mp4`` say. ``{vendor}``,
        ``{operation}``, ``{job_id}``, ``{media_id}``, ``{submitted_at}`` and ``{finished_at}`` are the result's; for
        a list of results it must hold ``{job_id}`` or ``{media_id}``. (templated)
    :param subtitles_destination: the URL for the subtitles, if the result has some: ``.srt`` stores them as they are,
        ``.vtt`` as WebVTT. (templated)
    :param overwrite: replace a file with different content; ``False`` fails instead.
    :param verify: check that it is video or audio before it is published; needs the extra ``media``.
    :param max_bytes: limit of the size of the media, in bytes.
    :param vendor_conn_id: the connection of the account that made the result. (templated) ``None``: the one that the
        operator or sensor names whose ``output`` is the ``result``, if the DAG file says it and it is one for all
        results of a vendor; else the vendor's default one. It is never taken from what that task returned: whoever may
        write an XCom would choose whose secret is sent where.
    :raises InvalidRequest: for a wrong argument; a literal one when the DAG is parsed.
    :raises ResultUnavailable: if the media is not available any more, or is not media. Not retried.
    :raises VendorUnavailable: if the download failed for now. Retried.
    :raises StorageFailed: if the user's own store failed. Retried.
    """

    template_fields: Collection[str] = ("result", "destination", "subtitles_destination", "vendor_conn_id")
    ui_color = "#f3ead9"

    def __init__(
        self,
        *,
        result: Results,
        destination: Text,
        subtitles_destination: Text | None = None,
        overwrite: bool = False,
        verify: bool = True,
        max_bytes: int = MAX_BYTES,
        vendor_conn_id: Text | None = None,
        **kwargs: Any,
    ) -> None:
        no_asset = None
        if not is_rendered_later(destination):
            check_template("destination", destination)
            # Before super().__init__(): Airflow reads outlets there, and the scheduler knows them from the parsed DAG.
            no_asset = add_outlet(self, kwargs, destination)
        if subtitles_destination is not None and not is_rendered_later(subtitles_destination):
            _check_subtitles_destination(subtitles_destination)
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes <= 0:
            raise InvalidRequest(f"max_bytes: must be a whole number greater than 0, not {max_bytes!r}")
        super().__init__(**kwargs)
        self._no_asset = no_asset
        self.result = result
        self.destination = destination
        self.subtitles_destination = subtitles_destination
        self.overwrite = flag("overwrite", overwrite)
        self.verify = flag("verify", verify)
        self.max_bytes = max_bytes
        self.vendor_conn_id = None if vendor_conn_id is None else connection_id("vendor_conn_id", vendor_conn_id)

    @override
    def text_fields(self) -> Collection[str]:
        # Not the result: with render_template_as_native_obj it is a dict, which need not be written as text and read.
        return ("destination", "subtitles_destination", "vendor_conn_id")

    def execute(self, context: Context) -> Any:
        """Copy every result to its destination, one after the other."""
        with airflow_boundary():
            check_own_task(self, context, nested=True)
            with explained(self.empty_origins):
                results, many = results_of(self.result)
            paths = paths_for("destination", self.destination, results, many=many)
            # Before the copy, so that an outlet that Airflow refuses costs no download.
            check_outlets(self.outlets, paths)
            kept = [
                self._keep(result, path, subtitles)
                for result, path, subtitles in zip(results, paths, self._subtitles_paths(results, many), strict=True)
            ]
            report_outlets(self.outlets, context["outlet_events"], kept, "videos" if many else None)
            log_no_asset(self.log, self._no_asset)
            if many:
                return kept
            if not self.multiple_outputs:  # else Airflow pushes them all
                push_parts(self, context["ti"], kept[0])
            return kept[0]

    def _subtitles_paths(self, results: Sequence[JobResult], many: bool) -> Sequence[str | None]:
        if not self.subtitles_destination:
            return [None] * len(results)
        _check_subtitles_destination(self.subtitles_destination)
        return paths_for("subtitles_destination", self.subtitles_destination, results, many=many)

    def _keep(self, result: JobResult, path: str, subtitles_path: str | None) -> dict[str, Any]:
        # Imported here: DAG parsing is a hot path, and this loads aiohttp and fsspec.
        from airflow_provider_videoai.transfers.copying import ResultCopier

        named = optional_connection_in(self, "vendor_conn_id")
        copier = ResultCopier(
            result,
            conn_id=source_connection(self, "result", result.vendor) if named is None else named,
            overwrite=self.overwrite,
            verify=self.verify,
            max_bytes=self.max_bytes,
            log=self.log,
        )
        return copier.copy(path, subtitles_path)


def _check_subtitles_destination(template: Any) -> None:
    check_template("subtitles_destination", template)
    if SubtitleFormat.of(template) is None:
        raise InvalidRequest("subtitles_destination: must end in .srt, the format that vendors return, or in .vtt")
