# SPDX-License-Identifier: Apache-2.0
"""The operator that makes subtitle files from word timestamps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from airflow.sdk import Context
from typing_extensions import override

from airflow_provider_videoai.files.locations import redacted_path
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.model import JobResult, JobState
from airflow_provider_videoai.media.cues import Cue, Layout, layout_cues
from airflow_provider_videoai.media.subtitles import SubtitleFormat, serialize
from airflow_provider_videoai.media.words import WORD_TIMES, parse_words
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.arguments import flag
from airflow_provider_videoai.tasks.origins import explained
from airflow_provider_videoai.tasks.own_task import check_own_task
from airflow_provider_videoai.tasks.template_literals import RendersText, is_rendered_later
from airflow_provider_videoai.tasks.templated import Results, Text
from airflow_provider_videoai.tasks.xcom import push_parts
from airflow_provider_videoai.transfers.destination import check_template, paths_for, results_of
from airflow_provider_videoai.transfers.outlets import add_outlet, check_outlets, log_no_asset, report_outlets

__all__ = ["WordTimesToSubtitlesOperator"]


class WordTimesToSubtitlesOperator(RendersText):
    """Write subtitles for speech of Tencent IVH, as SRT or WebVTT, to your own storage.

    The word timestamps are part of the result, so no request is sent to the vendor. A destination with the same content
    stays as it is.

    Returns a dict of what was written: ``path``, ``bytes``, ``sha256``, ``cues`` (how many), and ``vendor``,
    ``operation``, ``job_id``, ``media_id`` of the job. For a list of results, a list in the same order.
    ``subtitles.output["path"]`` is a part of it for another task.

    Outlets of the task get this dict as the extra of their asset event. Without outlets, a ``destination`` that is
    the same at each run is the task's outlet.

    :param result: the return value of ``TencentTtsOperator``: ``task.output``, a dict, or a list of them. (templated)
    :param destination: the URL of the file, ``s3://conn@bucket/folder/{job_id}.srt`` say; ``.vtt`` is WebVTT. It may
        contain the fields of the result that
        :class:`~airflow_provider_videoai.transfers.media.VideoResultToObjectStorageOperator` names. (templated)
    :param layout: fields of :class:`~airflow_provider_videoai.media.cues.Layout` by name, for example
        ``{"characters_per_line": 37, "lines_per_cue": 1}``; the others have their defaults.
    :param overwrite: replace a file with different content; ``False`` fails instead.
    :raises InvalidRequest: for a wrong argument, or a result without word timestamps.
    :raises StorageFailed: if the user's own store failed. Retried.
    """

    template_fields: Collection[str] = ("result", "destination")
    ui_color = "#f3ead9"

    def __init__(
        self,
        *,
        result: Results,
        destination: Text,
        layout: Mapping[str, float | None] | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> None:
        no_asset = None
        if not is_rendered_later(destination):
            _check_destination(destination)
            no_asset = add_outlet(self, kwargs, destination)
        _layout_of(layout)
        super().__init__(**kwargs)
        self._no_asset = no_asset
        self.result = result
        self.destination = destination
        self.layout = layout
        self.overwrite = flag("overwrite", overwrite)

    @override
    def text_fields(self) -> Collection[str]:
        return ("destination",)  # not the result, as with VideoResultToObjectStorageOperator

    def execute(self, context: Context) -> Any:
        """Write a file for every result, one after the other."""
        with airflow_boundary():
            check_own_task(self, context, nested=True)
            _check_destination(self.destination)
            with explained(self.empty_origins):
                results, many = results_of(self.result)
            paths = paths_for("destination", self.destination, results, many=many)
            check_outlets(self.outlets, paths)
            layout = _layout_of(self.layout)
            # All are laid out before the first is written, so that one without timestamps leaves no partial output.
            cues = [_cues(result, layout) for result in results]
            kept = [self._keep(*each) for each in zip(results, paths, cues, strict=True)]
            report_outlets(self.outlets, context["outlet_events"], kept, "subtitles" if many else None)
            log_no_asset(self.log, self._no_asset)
            if many:
                return kept
            if not self.multiple_outputs:  # else Airflow pushes them all
                push_parts(self, context["ti"], kept[0])
            return kept[0]

    def _keep(self, result: JobResult, path: str, cues: Sequence[Cue]) -> dict[str, Any]:
        # Imported here: DAG parsing is a hot path, and this loads fsspec.
        from airflow_provider_videoai.files.lineage import report_lineage
        from airflow_provider_videoai.media.writing import store_bytes
        from airflow_provider_videoai.transfers.store_failures import open_destination, storage_errors

        content = serialize(cues, SubtitleFormat.of(path) or SubtitleFormat.SRT).encode()
        with storage_errors(f"subtitles of job {result.job_id}", path, result.job_id):
            stored = store_bytes(content, open_destination(path), overwrite=self.overwrite)
        report_lineage(self, outputs=[path])
        self.log.info("Subtitles of job %s: %s cues at %s", result.job_id, len(cues), redacted_path(path))
        return {
            "path": path,
            "bytes": stored.bytes,
            "sha256": stored.sha256,
            "cues": len(cues),
            "vendor": result.vendor,
            "operation": result.operation,
            "job_id": result.job_id,
            "media_id": result.media_id,
        }


def _check_destination(template: Any) -> None:
    check_template("destination", template)
    if SubtitleFormat.of(template) is None:
        raise InvalidRequest("destination: must end in .srt or .vtt")


def _layout_of(given: Mapping[str, Any] | None) -> Layout:
    if not isinstance(given, Mapping | None):
        raise InvalidRequest(f"layout: must be a dict, not a {type(given).__name__}")
    known = [field.name for field in fields(Layout)]
    if unknown := sorted(set(given or {}) - set(known)):
        raise InvalidRequest(f"layout: there is no {', '.join(map(str, unknown))}; there are {', '.join(known)}")
    return Layout(**(given or {}))


def _cues(result: JobResult, layout: Layout) -> list[Cue]:
    if result.state is not JobState.SUCCEEDED:
        raise InvalidRequest(
            f"result: job {result.job_id} has not succeeded; wait for it with the vendor's sensor", job_id=result.job_id
        )
    if words := parse_words(result.details.get(WORD_TIMES)):
        return layout_cues(words, layout)
    own = (
        ". It has subtitles of its own: VideoResultToObjectStorageOperator keeps them at subtitles_destination"
        if result.subtitles_url
        else ""
    )
    raise InvalidRequest(
        f"result: job {result.job_id} has no word timestamps ({WORD_TIMES}). Tencent IVH returns them with all speech "
        f"(TencentTtsOperator), no field is needed for them; other jobs have none{own}",
        job_id=result.job_id,
    )
