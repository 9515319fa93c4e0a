# SPDX-License-Identifier: Apache-2.0
"""Copies of a batch's results in the user's storage, and the sidecars by which a later batch skips what is there."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_videoai.files.locations import (
    FileLocation,
    check_name,
    redacted_path,
    require_connection,
    store_errors,
)
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.model import JobResult, iso_utc
from airflow_provider_videoai.jobs.values.bounded_json import json_object, normalised
from airflow_provider_videoai.jobs.values.printable import shown
from airflow_provider_videoai.transfers.destination import check_template, fields_of, fill_in

if TYPE_CHECKING:
    from airflow_provider_videoai.batches.items import Item

__all__ = ["FIELDS", "SIDECAR", "Kept", "KeptFiles", "check_destination", "path_for", "place_of"]

FIELDS = ("item_id", "vendor", "operation")
"""What a destination may contain, as ``{item_id}``."""
SIDECAR = ".videoai.json"
"""What a sidecar's name has more than that of its media."""
_VERSION = 1
_LONGEST_SIDECAR = 64 * 1024
_LONGEST_NAME = 255  # bytes: NAME_MAX of Linux' file systems
_LONGEST_VALUE = 500
_HASH = re.compile("[0-9a-f]{64}")
_CONTENT_TYPE = "application/json"


def check_destination(template: Any) -> None:
    """Check the destination of a batch before its fields are filled in.

    :param template: what the user gave.
    :raises InvalidRequest: if it is not the URL of a file, lacks ``{item_id}``, or has a field not in :data:`FIELDS`.
    """
    check_template("destination", template, known=FIELDS)
    if "item_id" not in fields_of("destination", template, FIELDS):
        raise InvalidRequest("destination: must hold {item_id}, so that every item has a file of its own")


def path_for(template: str, item_id: str, vendor: str, operation: str) -> str:
    """Return the URL of an item's copy.

    :param template: the destination, as :func:`check_destination` accepts it.
    :param item_id: the item's.
    :param vendor: the vendor's key.
    :param operation: what the jobs do.
    :raises InvalidRequest: if the id cannot be a part of a file's name, or makes the name too long.
    """
    values = {"item_id": item_id, "vendor": vendor, "operation": operation}
    path = fill_in("destination", template, values, f"item {shown(item_id)}")
    name = check_name("destination", path)
    if len(name.encode()) + len(SIDECAR) > _LONGEST_NAME:
        raise InvalidRequest(
            f"destination: the name for item {shown(item_id)} is too long: with {SIDECAR}, which is stored "
            f"beside it, it has more than {_LONGEST_NAME} bytes"
        )
    # Another item's sidecar would have this name.
    if name.endswith(SIDECAR):
        raise InvalidRequest(f"destination: no name may end in {SIDECAR}, and that of {shown(item_id)} does")
    return path


def place_of(path: str) -> str:
    """Return a short text that identifies a path, which may be longer than a record has room for.

    :param path: of a copy.
    """
    return hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy in the user's storage.

    :param path: its URL.
    :param sha256: in lower-case hex.
    :param duration_ms: of the media in milliseconds; ``None`` if unknown.
    :param job_id: the job that made it.
    :param content_type: ``None`` if unknown.
    """

    path: str
    sha256: str
    bytes: int
    duration_ms: int | None
    job_id: str
    content_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sidecar:
    """What the file beside a copy says of it. No URL: those of requests and results may be signed."""

    fingerprint: str
    sha256: str
    bytes: int
    job_id: str
    duration_ms: int | None = None
    content_type: str | None = None
    kept_at: str | None = None
    # Whose file it is: another batch may have the same destination, and item ids such as "1".
    vendor: str | None = None
    operation: str | None = None
    item_id: str | None = None
    task: str | None = None

    def kept(self, path: str) -> Kept:
        return Kept(path, self.sha256, self.bytes, self.duration_ms, self.job_id, self.content_type)


_SIDECAR_FIELDS = tuple(each.name for each in fields(_Sidecar))
_NEEDED = frozenset({"fingerprint", "sha256", "bytes", "job_id"})


def _sidecar_of(content: bytes) -> _Sidecar:
    """Read a sidecar; raise ``ValueError``, with a reason that shows no value of it, if that is impossible."""
    if len(content) > _LONGEST_SIDECAR:
        raise ValueError(f"it has more than {_LONGEST_SIDECAR} bytes")
    stored = json_object(content)
    if stored is None:
        raise ValueError("it is no JSON object")
    if type(stored.get("version")) is not int or stored["version"] != _VERSION:
        raise ValueError("its version is unknown to this one")
    values: dict[str, Any] = {name: stored.get(name) for name in _SIDECAR_FIELDS}
    for name, value in values.items():
        if not (name not in _NEEDED if value is None else _fits(name, value)):
            raise ValueError(f"its {name} is missing, or cannot be one")
    return _Sidecar(**values)


def _fits(name: str, value: Any) -> bool:
    # What was found goes into the task's records, which have a limit, whoever wrote the file.
    if name in ("bytes", "duration_ms"):
        return type(value) is int and 0 <= value < 2**53
    if type(value) is not str:
        return False
    if name == "job_id":
        # By its size in a record: a character beyond ASCII takes six bytes or twelve.
        size = len(json.dumps(value)) - 2
        return 0 < size <= _LONGEST_VALUE and value.isprintable() and " " not in value
    return _HASH.fullmatch(value) is not None if name == "sha256" else len(value) <= _LONGEST_VALUE


def _encoded(sidecar: _Sidecar) -> bytes:
    return json.dumps(normalised({"version": _VERSION, **asdict(sidecar)}), allow_nan=False).encode("ascii")


class KeptFiles:
    """The copies of a batch. Holds no state of items, so several threads may use it; all methods block.

    :param template: the destination, as :func:`check_destination` accepts it.
    :param vendor: the vendor's key.
    :param operation: what the jobs do.
    :param conn_id: the vendor's connection; ``None`` for its default one.
    :param task: what the batch's task has in common in all runs, and with no other task or mapped copy.
    :param overwrite: replace files that are not this batch's own; see :meth:`keep`.
    :param verify: check that a result is video or audio before it is published.
    :param max_bytes: of one media file.
    :param log: the task's.
    :raises InvalidRequest: for a wrong destination, or if the extra ``media`` is missing and ``verify`` is set.
    """

    def __init__(
        self,
        template: str,
        *,
        vendor: str,
        operation: str,
        conn_id: str | None,
        task: str,
        overwrite: bool,
        verify: bool,
        max_bytes: int,
        log: Log,
    ) -> None:
        check_destination(template)
        if verify:
            # Imported here, as all that needs fsspec or aiohttp: DAG parsing is a hot path.
            from airflow_provider_videoai.media.check import require_library

            require_library()  # now, before anything is bought
        self._template = template
        self._vendor = vendor
        self._operation = operation
        self._conn_id = conn_id
        # Hashed: ids of DAGs and tasks may be longer than a sidecar has room for.
        self._task = place_of(task)
        self._overwrite = overwrite
        self._verify = verify
        self._max_bytes = max_bytes
        self._log = log

    def path_of(self, item: Item) -> str:
        """Return the URL of an item's copy. Call it for every item before the first is bought.

        :param item: of the batch.
        :raises InvalidRequest: if its id cannot be a part of a file's name, or makes the name too long.
        """
        return path_for(self._template, item.item_id, self._vendor, self._operation)

    def check_store(self, item: Item) -> None:
        """Open the store of an item's copy, without a request to it; call it before the first item is bought.

        :param item: of the batch.
        :raises InvalidRequest: as :meth:`path_of`, or if there is no such store: its package may not be installed.
        :raises StorageFailed: if its connection cannot be read.
        """
        FileLocation.find("destination", self.path_of(item))

    def check_connection(self, item: Item) -> None:
        """Read the connection of the copies, which is the same for all items.

        :param item: of the batch.
        :raises StorageFailed: if it cannot be read.
        """
        with store_errors("destination", path := self.path_of(item)):
            require_connection(path)

    def find(self, item: Item) -> Kept | None:
        """Return the copy that an earlier batch made for the same request.

        The media itself is not read: its size must be what the sidecar says.

        :param item: of the batch.
        :returns: ``None`` if there is none, and the item may be made: nothing is there, or what :meth:`keep` replaces.
        :raises InvalidRequest: as :meth:`path_of`, if there is no such store, or if a file is there that may not be
            replaced, as far as it shows without reading it: no copy of a batch, one whose size has changed, or that of
            another batch for another request. The job would be bought in vain.
        :raises StorageFailed: if the store cannot be read: nobody knows then what is there, and nothing should be
            bought.
        """
        path = self.path_of(item)
        sidecar = self._sidecar(path)
        if sidecar is None:
            if not self._overwrite and _read(path, 1) is not None:
                raise _taken(path, f"it has no sidecar ({SIDECAR}) that says which request it was made for")
            return None
        if (size := _size(path)) is None:
            self._log.info("%s is missing: its sidecar does not count", redacted_path(path))
            return None
        if size != sidecar.bytes:
            what = f"it has {size} bytes, and not {sidecar.bytes} as its sidecar says"
            if not self._overwrite:
                raise _taken(path, what)
            self._log.info("%s does not count as kept: %s", redacted_path(path), what)
            return None
        if sidecar.fingerprint == item.fingerprint:
            return sidecar.kept(path)
        if not (self._overwrite or self._is_own(item, sidecar)):
            raise _taken(path, "another task, or another mapped copy, made it for another request")
        self._log.info("%s was made for another request than that of %s", redacted_path(path), shown(item.item_id))
        return None

    def keep(self, item: Item, result: JobResult) -> Kept:
        """Copy the media of a result to the item's path, then write its sidecar.

        A file with the same content stays as it is, so a retry after any interruption is safe. A different file that is
        there already is replaced in two cases:

        * ``overwrite`` is set, or
        * its sidecar says that this task, vendor and operation made it for this item, and it still is what was stored
          then (size and SHA-256). That is an item whose request was changed: who changes a row of a batch wants the new
          video in place of the old one.

        A file of the user's, a copy that somebody edited, and the copy of another task, vendor or operation with the
        same item id thus stay. The old file is there until the new one is downloaded and checked.

        :param item: of the batch.
        :param result: of its job.
        :returns: what is at the path.
        :raises InvalidRequest: if a different file is at the path and may not be replaced.
        :raises ResultUnavailable: if the media is not available any more, or is not media.
        :raises VendorUnavailable: if the download failed for now.
        :raises StorageFailed: if the user's store failed. A retry buys nothing.
        """
        from airflow_provider_videoai.transfers.copying import ResultCopier

        path = self.path_of(item)
        there = self._sidecar(path)
        copier = ResultCopier(
            result,
            conn_id=self._conn_id,
            overwrite=self._overwrite or self._may_replace(item, path, there),
            verify=self._verify,
            max_bytes=self._max_bytes,
            log=self._log,
        )
        stored = copier.copy(path, None)
        sidecar = _Sidecar(
            fingerprint=item.fingerprint,
            sha256=stored["sha256"],
            bytes=stored["bytes"],
            job_id=stored["job_id"],
            duration_ms=stored["duration_ms"],
            content_type=stored["content_type"],
            kept_at=iso_utc(time.time()),
            vendor=self._vendor,
            operation=self._operation,
            item_id=item.item_id,
            task=self._task,
        )
        _write(sidecar, path)
        return sidecar.kept(path)

    def _may_replace(self, item: Item, path: str, there: _Sidecar | None) -> bool:
        if there is None or not self._is_own(item, there):
            return False
        from airflow_provider_videoai.transfers.store_failures import open_destination

        with store_errors("destination", path):
            # The whole file is read, which only a changed request costs: the alternative is to destroy an edited one.
            media = open_destination(path)
            return media.size() == there.bytes and media.sha256() == there.sha256

    def _is_own(self, item: Item, there: _Sidecar) -> bool:
        made_for = (there.vendor, there.operation, there.item_id)
        # Versions before `task` was added named none.
        return made_for == (self._vendor, self._operation, item.item_id) and there.task in (None, self._task)

    def _sidecar(self, path: str) -> _Sidecar | None:
        """Return the sidecar of the file at ``path``; ``None`` if there is none that can be understood."""
        content = _read(path + SIDECAR, _LONGEST_SIDECAR + 1)
        try:
            return None if content is None else _sidecar_of(content)
        except ValueError as wrong:
            self._log.info("%s cannot be understood: %s", redacted_path(path + SIDECAR), wrong)
            return None


def _taken(path: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"destination: another file is at {redacted_path(path)} ({why}); nothing was bought for this item. Give each "
        "task, and each mapped copy, a folder of its own, with {{ ti.map_index }} in destination say, remove the file, "
        "or set overwrite=True"
    )


def _read(path: str, most: int) -> bytes | None:
    """Return the first ``most`` bytes of a file; ``None`` if there is none."""
    with store_errors("destination", path):
        place = FileLocation.find("destination", path)
        try:
            # One request for each of ten thousand items: to open it would take one more, and two if it is not there.
            content: Any = place.fs.cat_file(place.path, start=0, end=most)
        except FileNotFoundError:
            return None
        except Exception:
            # Object stores refuse every range of an empty object (RFC 9110, section 15.5.17).
            if _size(path) == 0:
                return b""
            raise
        return bytes(content)


def _size(path: str) -> int | None:
    from airflow_provider_videoai.transfers.store_failures import open_destination

    with store_errors("destination", path):
        return open_destination(path).size()


def _write(sidecar: _Sidecar, path: str) -> None:
    from airflow_provider_videoai.media.writing import store_bytes
    from airflow_provider_videoai.transfers.store_failures import open_destination

    fate = f"The media of job {sidecar.job_id} is stored, and paid for; a retry writes the sidecar, and buys nothing"
    with store_errors("destination", path + SIDECAR, failed="cannot be written", fate=fate):
        store_bytes(_encoded(sidecar), open_destination(path + SIDECAR), overwrite=True, content_type=_CONTENT_TYPE)
