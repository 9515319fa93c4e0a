# SPDX-License-Identifier: Apache-2.0
"""Localize a clip: remove its text, trim it, add a presenter, and store the results in your own storage.

    source ─┬─ erase_text (ViiTor) ── pull_into_vod ── trim (CDNetworks) ─┐
            ├─ erase_with_aidge (Aidge) ─────────────────────────────────┤
    script ─┬─ avatar (Topview) ─────────────────────────────────────────┼─ gather
            └─ narrator (Tencent IVH) ───────────────────────────────────┘

Each task but the last is a job at a vendor: paid for once, and waited for without a worker. The last copies the results
to the storage before their URLs expire, and emits the asset event that starts the DAG new_video.
"""

from __future__ import annotations

import os
import tempfile

from airflow.sdk import DAG, Asset, Param

from airflow_provider_videoai.operators.aidge import AidgeVideoRemovalOperator
from airflow_provider_videoai.operators.cdnetworks import CDNetworksPullVideoOperator, CDNetworksTrimOperator
from airflow_provider_videoai.operators.tencent_ivh import TencentVideoMakeOperator
from airflow_provider_videoai.operators.topview import TopviewVideoAvatarOperator
from airflow_provider_videoai.operators.viitor import ViiTorTextRemovalOperator
from airflow_provider_videoai.transfers.media import VideoResultToObjectStorageOperator

# `make ui` points this at the sandbox's own clip, so that the Trigger form works as it stands.
SAMPLE_CLIP = os.environ.get("VIDEOAI_SAMPLE_CLIP", "https://example.com/clip.mp4")
# s3://conn@bucket/folder, gs://, abfs:// or file://, if all workers share a file system.
STORAGE = os.environ.get("VIDEOAI_STORAGE", f"file://{tempfile.gettempdir()}/videoai")
NEW_VIDEOS = Asset("new_videos")

with DAG(
    "localize_clip",
    schedule=None,
    description="Text removed, clip trimmed, avatar and narrator made, results stored",
    doc_md=__doc__,
    tags=["videoai", "example"],
    params={
        "source_url": Param(SAMPLE_CLIP, type="string", format="uri", title="Source clip"),
        "title": Param("localize-clip", type="string", minLength=1, maxLength=30, title="Title"),
        "caption_region": Param(
            [0, 270, 640, 350],
            type="array",
            items={"type": "number"},
            minItems=4,
            maxItems=4,
            title="Region of the burnt-in text",
            description="x1, y1, x2, y2",
        ),
        "language": Param("en", type="string", enum=["en", "zh"], title="Language of the burnt-in text"),
        "start": Param(1, type="integer", minimum=0, title="Trim: start (s)"),
        "seconds": Param(5, type="integer", minimum=1, title="Trim: length (s)"),
        "script": Param(
            "Welcome. This clip was cleaned, cut and narrated by an Airflow pipeline.",
            type="string",
            minLength=1,
            title="What the presenter says",
        ),
        "avatar": Param("sandbox-avatar-anna", type="string", title="Topview avatar"),
        "virtualman": Param("sandbox-virtualman", type="string", title="Tencent digital human"),
        "storage": Param(STORAGE, type="string", format="uri", title="Folder for the results"),
    },
) as dag:
    erase_text = ViiTorTextRemovalOperator(
        task_id="erase_text",
        url="{{ params.source_url }}",
        task_name="{{ params.title }}",
        full_erase_roi="[{{ params.caption_region }}]",
    )
    pull_into_vod = CDNetworksPullVideoOperator(
        task_id="pull_into_vod",
        fetch_url=erase_text.output["media_url"],
        filename="{{ params.title }}.mp4",
    )
    trim = CDNetworksTrimOperator(
        task_id="trim",
        video_id=pull_into_vod.output["media_id"],
        seek_start="{{ params.start }}",
        duration="{{ params.seconds }}",
        filename="{{ params.title }}-cut",
    )
    erase_with_aidge = AidgeVideoRemovalOperator(
        task_id="erase_with_aidge",
        video_url="{{ params.source_url }}",
        language="{{ params.language }}",
    )
    avatar = TopviewVideoAvatarOperator(
        task_id="avatar",
        avatar_source_from="1",
        ai_avatar_id="{{ params.avatar }}",
        audio_source_from="1",
        tts_text="{{ params.script }}",
    )
    narrator = TencentVideoMakeOperator(
        task_id="narrator",
        virtualman_key="{{ params.virtualman }}",
        input_ssml="<speak>{{ params.script }}</speak>",
        video_param={"Format": "Mp4"},
    )

    VideoResultToObjectStorageOperator(
        task_id="gather",
        result=[erase_text.output, trim.output, erase_with_aidge.output, avatar.output, narrator.output],
        # A run's id has colons and a plus, which not every store and tool takes in a folder's name.
        destination="{{ params.storage }}/{{ run_id | replace(':', '') | replace('+', '-') }}/{vendor}-{job_id}.mp4",
        outlets=[NEW_VIDEOS],
    )
