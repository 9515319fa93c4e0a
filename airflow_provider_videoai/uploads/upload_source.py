# SPDX-License-Identifier: Apache-2.0
"""Files of the user's that go to a vendor, from wherever Airflow can read them: a disk, S3, GCS, Azure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from airflow_provider_videoai.files.lineage import report
from airflow_provider_videoai.files.locations import FileLocation, check_name, shown, store_errors
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.values.printable import printable

__all__ = ["SourceFile", "format_of", "send"]

_BLOCK = 1024 * 1024
_VERSIONS = ("md5Hash", "ETag", "etag", "mtime")
"""What changes with a file's content, under the names that Google, S3, Azure and a disk give it."""


def format_of(argument: str, source: object, known: Collection[str]) -> str:
    """Return a file's format, which is its suffix in lower case; raise :class:`InvalidRequest` for one not known."""
    suffix = PurePosixPath(check_name(argument, source)).suffix.lower().removeprefix(".")
    if suffix not in known:
        raise InvalidRequest(
            f"{argument}: must be a file whose name ends in .{', .'.join(known)}, not {printable(suffix)!r}"
        )
    return suffix


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it is now: ``size`` in bytes; ``version`` is another one as soon as its content changes."""

    argument: str
    place: FileLocation
    size: int
    version: str

    @classmethod
    def find(cls, argument: str, source: object) -> SourceFile:
        """Look at a path, without reading the file.

        Raises :class:`InvalidRequest` if there is none, or no such store; ``StorageFailed`` if that has failed.
        """
        place = FileLocation.find(argument, source)
        with store_errors(argument, place.url):
            place.fs.invalidate_cache()
            try:
                facts = place.fs.info(place.path)
            except FileNotFoundError:
                raise InvalidRequest(f"{argument}: there is no file at {shown(place.url)}") from None
            if facts["type"] != "file" or not facts["size"]:
                raise InvalidRequest(f"{argument}: what is at {shown(place.url)} is no file, or an empty one")
            version = next((facts[name] for name in _VERSIONS if facts.get(name)), None)
            return cls(argument, place, int(facts["size"]), str(version or place.fs.checksum(place.path)))

    @property
    def identity(self) -> str:
        """What identifies this file with this content."""
        return f"{self.place.url} {self.size} {self.version}"

    @property
    def name(self) -> str:
        """The file's own name, without its folder, as a vendor and a log can be given it."""
        return printable(self.place.name)

    def open(self) -> BinaryIO:
        """Open it to be read; little of it is held in memory."""
        report(self.place, inputs=[self.place.url])
        return cast(BinaryIO, self.place.fs.open(self.place.path, "rb", block_size=_BLOCK))


async def send(
    file: SourceFile, url: str, account: Account, log: Log, *, form: Mapping[str, str] | None = None
) -> None:
    """Send a file to a URL that the account's vendor gave: with PUT, or in a form with these fields before it.

    Raises as :func:`airflow_provider_videoai.media.upload.put` does.
    """
    # Not loaded where DAG files are parsed: they bring an HTTP library of their own.
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
