# SPDX-License-Identifier: Apache-2.0
"""CDNetworks Cloud VoD: trimming, and pulling a video in."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from airflow_provider_videoai.connections.cdnetworks import CONNECTION
from airflow_provider_videoai.files.locations import FilePath
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.http.blocking_runner import run
from airflow_provider_videoai.uploads.upload_source import SourceFile, send
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks
from airflow_provider_videoai.vendors.cdnetworks.uploading import LARGEST_UPLOAD

__all__ = ["CDNetworksHook"]


class CDNetworksHook(VideoJobHook):
    """Submit and follow jobs of one CDNetworks Cloud VoD account.

    :param cdnetworks_conn_id: the Airflow connection (type ``cdnetworks``) that holds the account.
    """

    vendor_class = CDNetworks
    conn_name_attr = "cdnetworks_conn_id"
    default_conn_name = "cdnetworks_default"
    conn_type = "cdnetworks"
    hook_name = CONNECTION.title

    def __init__(self, cdnetworks_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(cdnetworks_conn_id, **kwargs)
        self.cdnetworks_conn_id = cdnetworks_conn_id

    def upload(self, source: FilePath, filename: str | None = None) -> str:
        """Upload a file as a new video.

        How the bytes are sent is not documented by Cloud VoD itself: see
        :mod:`~airflow_provider_videoai.vendors.cdnetworks.uploading`.

        :param source: a path, or the URL of a file in object storage that Airflow can read.
        :param filename: the video's name; without it the file's.
        :returns: the ``videoId``.
        :raises InvalidRequest: for a file that is not there, empty or larger than 500 MB.
        :raises VendorUnavailable: if it did not arrive.
        """
        self.transport.vendor.require_credentials()  # this lookup of the connection may block
        return run(self.aupload(source, filename))

    async def aupload(self, source: FilePath, filename: str | None = None) -> str:
        """Upload a file and return its ``videoId``; see :meth:`upload`."""
        # Object stores answer by blocking libraries.
        file = await asyncio.to_thread(SourceFile.find, "source", source)
        if file.size > LARGEST_UPLOAD:
            raise InvalidRequest(f"source: {file.name} is larger than 500 MB; CDNetworks has to pull it from a URL")
        transport = await self.atransport()
        vendor = cast(CDNetworks, transport.vendor)
        upload = await transport.arun(vendor.announce(filename or file.name))
        await send(file, upload.url, vendor.account, self.log, form=upload.form)
        self.log.info("Uploaded %s to CDNetworks as video %s", file.name, upload.video_id)
        return upload.video_id
