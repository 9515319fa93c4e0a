# SPDX-License-Identifier: Apache-2.0
"""Topview: video avatars, and the files that they are made from."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from airflow_provider_videoai.connections.topview import CONNECTION
from airflow_provider_videoai.files.locations import FilePath
from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.errors import SubmitRejected, VendorUnavailable
from airflow_provider_videoai.jobs.http.blocking_runner import run
from airflow_provider_videoai.uploads.upload_source import SourceFile, format_of, send
from airflow_provider_videoai.vendors.topview import FORMATS, Topview

__all__ = ["TopviewHook"]


class TopviewHook(VideoJobHook):
    """Submit and follow jobs of one Topview account.

    :param topview_conn_id: the Airflow connection (type ``topview``) that holds the account.
    """

    vendor_class = Topview
    conn_name_attr = "topview_conn_id"
    default_conn_name = "topview_default"
    conn_type = "topview"
    hook_name = CONNECTION.title

    def __init__(self, topview_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(topview_conn_id, **kwargs)
        self.topview_conn_id = topview_conn_id

    def upload(self, source: FilePath) -> str:
        """Upload a file. It costs nothing and may be repeated.

        :param source: a path, or the URL of a file in object storage that Airflow can read.
        :returns: the file id.
        :raises InvalidRequest: for a file that is not there or has a format that Topview does not take.
        :raises VendorUnavailable: if it did not arrive.
        """
        self.transport.vendor.require_credentials()  # this lookup of the connection may block
        return run(self.aupload(source))

    async def aupload(self, source: FilePath) -> str:
        """Upload a file and return its file id; see :meth:`upload`."""
        # The suffix first: a wrong one is an error before the store or Topview is queried.
        file_format = format_of("source", source, FORMATS)
        file = await asyncio.to_thread(SourceFile.find, "source", source)
        transport = await self.atransport()
        vendor = cast(Topview, transport.vendor)
        upload = await transport.arun(vendor.announce(file_format))
        await send(file, upload.url, vendor.account, self.log)
        if not await transport.arun(vendor.arrived(upload.file_id)):
            raise VendorUnavailable(f"Topview says that {file.name} has not arrived; a retry uploads it again")
        self.log.info("Uploaded %s to Topview as file %s", file.name, upload.file_id)
        return upload.file_id

    def has_file(self, file_id: str) -> bool:
        """Return whether a file that was uploaded is still there.

        :param file_id: as :meth:`upload` returned it.
        """
        try:
            return self.transport.run(cast(Topview, self.transport.vendor).arrived(file_id))
        except SubmitRejected:
            return False
