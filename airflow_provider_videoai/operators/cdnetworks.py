# SPDX-License-Identifier: Apache-2.0
"""CDNetworks Cloud VoD: upload or pull a video, and trim it."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, cast

from airflow.sdk import Context
from typing_extensions import override

from airflow_provider_videoai.files.locations import FilePath, check_name
from airflow_provider_videoai.hooks.cdnetworks import CDNetworksHook
from airflow_provider_videoai.jobs.model import JobResult, JobState, iso_utc
from airflow_provider_videoai.operators.job import VideoJobOperator
from airflow_provider_videoai.tasks.airflow_failures import airflow_boundary
from airflow_provider_videoai.tasks.arguments import connection_id
from airflow_provider_videoai.tasks.connection_fields import connection_in
from airflow_provider_videoai.tasks.result_parts import ReturnsParts
from airflow_provider_videoai.tasks.template_literals import is_known
from airflow_provider_videoai.tasks.templated import FileSource, Integer, Text
from airflow_provider_videoai.vendors.cdnetworks import PullVideoRequest, TrimRequest

__all__ = ["CDNetworksPullVideoOperator", "CDNetworksTrimOperator", "CDNetworksUploadVideoOperator"]


class CDNetworksUploadVideoOperator(ReturnsParts):
    """Upload a video of your own into Cloud VoD; ``media_id`` of the result is its ``videoId``.

    The result has the fields of a job's, ``media_url`` excepted. There is no job behind it: a retry, or a cleared task,
    uploads the file again, as another video. For a file at a public URL, or one above 500 MB, see
    :class:`CDNetworksPullVideoOperator`.

    :param source: the file: a path, the URL of one in a store (``s3://conn@bucket/clip.mp4``), or an
        ``ObjectStoragePath``. Templated.
    :param filename: its name in Cloud VoD, with its suffix; left out, the file's own. Templated.
    :param cdnetworks_conn_id: the Airflow connection of the account. Templated.
    """

    template_fields: Collection[str] = ("source", "filename", "cdnetworks_conn_id")
    ui_color = VideoJobOperator.ui_color

    def __init__(
        self,
        *,
        source: FileSource,
        filename: Text | None = None,
        cdnetworks_conn_id: Text = CDNetworksHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.filename = filename
        self.cdnetworks_conn_id = connection_id("cdnetworks_conn_id", cdnetworks_conn_id)
        if is_known(source):
            check_name("source", source)

    @override
    def execute(self, context: Context) -> dict[str, Any]:
        with airflow_boundary():
            began = time.time()
            source, filename = cast(FilePath, self.source), cast(str | None, self.filename)  # rendered by now
            hook = CDNetworksHook(connection_in(self, "cdnetworks_conn_id"))
            video_id = hook.upload(source, filename)
            uploaded = JobResult(
                vendor=CDNetworksHook.vendor_class.key,
                operation="upload_video",
                job_id=video_id,
                state=JobState.SUCCEEDED,
                media_id=video_id,
                submitted_at=iso_utc(began),
                finished_at=iso_utc(time.time()),
            )
            return self._push_parts(context, uploaded.to_dict())


class CDNetworksPullVideoOperator(VideoJobOperator):
    """Bring a video from any URL, or from your storage, into Cloud VoD; ``media_id`` of the result is its ``videoId``.

    :param fetch_url: the video, at a URL that Cloud VoD can fetch, or an object in a store: ``s3://conn@bucket/key``.
    :param filename: its name in Cloud VoD.
    :param md5: the file's MD5 in hex, checked by the vendor.
    :param trans_no: the job's id, at most 32 characters, unique in the account. Left out, it is a random one.
    :param cdnetworks_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = CDNetworksHook
    request_class = PullVideoRequest
    source_fields = ("fetch_url",)
    template_fields: Collection[str] = (*PullVideoRequest.model_fields, "cdnetworks_conn_id", "input_conn_id")

    def __init__(
        self,
        *,
        fetch_url: Text,
        filename: Text,
        md5: Text | None = None,
        trans_no: Text | None = None,
        cdnetworks_conn_id: Text = CDNetworksHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=cdnetworks_conn_id, **kwargs)
        self.fetch_url = fetch_url
        self.filename = filename
        self.md5 = md5
        self.trans_no = trans_no
        self.cdnetworks_conn_id = cdnetworks_conn_id
        self.check_literals()


class CDNetworksTrimOperator(VideoJobOperator):
    """Cut a piece out of a video in Cloud VoD; ``media_id`` of the result is the piece's ``videoId``.

    :param video_id: the video in Cloud VoD, ``media_id`` of a pull.
    :param seek_start: where the piece starts, in whole seconds.
    :param duration: how long it lasts, in whole seconds.
    :param filename: the piece's name in Cloud VoD, at most 40 characters.
    :param suffix: ``mp4`` or ``flv``.
    :param resolution: ``WIDTHxHEIGHT``, for example ``640x480``.
    :param frame_rate: frames a second.
    :param video_bit_rate: kbit/s.
    :param audio_bit_rate: kbit/s.
    :param sampling_rate: of the sound, in Hz; for flv 44100, 22050 or 11025.
    :param notify_url: where the vendor posts that the job ended; this package does not need it.
    :param code_type: what the result is published as: 0 all, 2 swf code, 4 video URLs (as if left out), 5 adaptive
        code, 6 preview URLs, 7 preview's adaptive code, 8 encrypted play code. ``media_url`` of the result is set with
        0, 4 and 6; the codes are in its ``details``, under the vendor's names.
    :param trans_no: the job's id, at most 32 characters, unique in the account. Left out, it is a random one.
    :param cdnetworks_conn_id: the Airflow connection of the account. Templated.

    Request fields are templated. Further arguments:
    :class:`~airflow_provider_videoai.operators.job.VideoJobOperator`.
    """

    hook_class = CDNetworksHook
    request_class = TrimRequest
    source_fields = ("video_id",)
    template_fields: Collection[str] = (*TrimRequest.model_fields, "cdnetworks_conn_id")

    def __init__(
        self,
        *,
        video_id: Text,
        seek_start: Integer,
        duration: Integer,
        filename: Text,
        suffix: Text = "mp4",
        resolution: Text | None = None,
        frame_rate: Integer | None = None,
        video_bit_rate: Integer | None = None,
        audio_bit_rate: Integer | None = None,
        sampling_rate: Integer | None = None,
        notify_url: Text | None = None,
        code_type: Integer | None = None,
        trans_no: Text | None = None,
        cdnetworks_conn_id: Text = CDNetworksHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=cdnetworks_conn_id, **kwargs)
        self.video_id = video_id
        self.seek_start = seek_start
        self.duration = duration
        self.filename = filename
        self.suffix = suffix
        self.resolution = resolution
        self.frame_rate = frame_rate
        self.video_bit_rate = video_bit_rate
        self.audio_bit_rate = audio_bit_rate
        self.sampling_rate = sampling_rate
        self.notify_url = notify_url
        self.code_type = code_type
        self.trans_no = trans_no
        self.cdnetworks_conn_id = cdnetworks_conn_id
        self.check_literals()
