# SPDX-License-Identifier: Apache-2.0
"""The user's files that are uploaded to a vendor, from a disk or a store of Airflow's ``ObjectStoragePath``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from airflow_provider_videoai.files.lineage import report_lineage
from airflow_provider_videoai.files.locations import FileLocation, check_name, store_errors
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["SourceFile", "format_of", "send"]

_BLOCK = 1024 * 1024
_VERSIONS = ("md5Hash", "ETag", "etag", "mtime")
"""Keys of a file's version in fsspec's ``info``: of Google, S3, Azure and a disk."""


def format_of(argument: str, source: object, known: Collection[str]) -> str:
    """Return a file's format: its suffix in lower case, without the dot.

    :param argument: the operator's argument, for the message.
    :raises InvalidRequest: if it is not one of ``known``.
    """
    suffix = PurePosixPath(check_name(argument, source)).suffix.lower().removeprefix(".")
    if suffix not in known:
        raise InvalidRequest(
            f"{argument}: must be a file whose name ends in .{', .'.join(known)}, not {printable(suffix)!r}"
        )
    return suffix


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with its current version.

    :param argument: the operator's argument, for messages.
    :param size: in bytes.
    :param version: changes with the content: a hash, an ETag, or the time of the last change.
    """

    argument: str
    place: FileLocation
    size: int
    version: str

    @classmethod
    def find(cls, argument: str, source: object) -> SourceFile:
        """Find a file, without reading it.

        :param argument: the argument that names it, for the errors.
        :param source: a path, or the URL of an object in a store.
        :raises InvalidRequest: if there is no such file or store, or the file is empty.
        :raises StorageFailed: if the store failed.
        """
        place = FileLocation.find(argument, source)
        facts = place.facts(argument)
        with store_errors(argument, place.url):
            # Size alone would take a file that was edited in place for the same request, and reuse the wrong job.
            version = next((facts[name] for name in _VERSIONS if facts.get(name)), None)
            return cls(argument, place, int(facts["size"]), str(version or place.fs.checksum(place.path)))

    @property
    def identity(self) -> str:
        """Text that identifies this file with this content."""
        return f"{self.place.url} {self.size} {self.version}"

    @property
    def name(self) -> str:
        """The file's name without its folder, in printable characters, for the vendor and the log."""
        return printable(self.place.name)

    def open(self) -> BinaryIO:
        """Open it for reading, with a small buffer, and report it to lineage."""
        report_lineage(self.place, inputs=[self.place.url])
        return cast(BinaryIO, self.place.fs.open(self.place.path, "rb", block_size=_BLOCK))


async def send(
    file: SourceFile, url: str, account: Account, log: Log, *, form: Mapping[str, str] | None = None
) -> None:
    """Upload a file to a URL that the vendor issued.

    Raises as :func:`airflow_provider_videoai.media.upload.put` does.

    :param form: fields of a form that is sent with POST; without it, the file is sent with PUT.
    :raises InvalidRequest: if the URL leads to an address that is not allowed.
    """
    # Imported here: DAG parsing is a hot path, and this loads aiohttp.
    from airflow_provider_videoai.media.addresses import AddressRefused
    from airflow_provider_videoai.media.progress import Progress
    from airflow_provider_videoai.media.upload import Upload, post, put

    progress = Progress(log, file.name)
    with store_errors(file.argument, file.place.url), file.open() as opened:
        body = Upload(file=opened, size=file.size, name=file.name, report=progress.report)
        try:
            if form is None:
                await put(url, body, allow_private=account.options.allow_private_addresses)
            else:
                await post(url, body, form, allow_private=account.options.allow_private_addresses)
        except AddressRefused as refused:
            advice = refused.advice(account.conn_id)
            raise InvalidRequest(f"{file.name} is not uploaded: {refused}{advice}") from refused
    progress.end(file.size)
