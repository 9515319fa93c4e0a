# SPDX-License-Identifier: Apache-2.0
"""The manifest of a batch: a JSONL file in the user's storage, a line per item, that later tasks map over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, BinaryIO, Self

from airflow_provider_videoai.files.locations import (
    FileLocation,
    check_name,
    redacted_path,
    require_connection,
    store_errors,
    store_url,
)
from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed
from airflow_provider_videoai.jobs.log import Log
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.values.bounded_json import bounded, json_value, normalised
from airflow_provider_videoai.jobs.values.url_secrets import without_secrets

__all__ = ["ENDED", "STATES", "Line", "Manifest", "check_path", "lines_of", "request_fields"]

ENDED = ".ended"
"""What the name of the file beside a manifest has more, which keeps the lines that are not in it yet."""
STATES = frozenset({"queued", "running", "succeeded", "failed", "skipped"})
"""What a line's ``state`` may be."""
_CONTENT_TYPE = "application/x-ndjson"
_SUFFIX = ".jsonl"
_LONGEST_FILE = 512 * 1024**2
_LONGEST_LINE = 1024**2
# Of a line that would be too long. Outputs are cut last: a later task needs their URLs.
_LONGEST_PART, _LONGEST_OUTPUTS = 64 * 1024, 512 * 1024
_PIECE = 1024**2
# In a longer text, such as SSML with an <audio src="...">. No URL holds a quote or an angle bracket unescaped.
_URL = re.compile(r'\b(?:https?|ftps?)://[^\s"<>]+', re.IGNORECASE)
_WHOLE_URL = re.compile(r"\s*(?:https?|ftps?)://\S*\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the manifest says of one item.

    :param item_id: the user's id of the item.
    :param request: the fields of its request by their snake_case names. Written without the user, the query and the
        fragment of any URL in it, where signatures travel.
    :param state: one of :data:`STATES`.
    :param job_id: the vendor's id of the job; ``None`` before there is one.
    :param error: ``{"type": "JobFailed", "message": "...", "code": "..." or None}`` of an item that failed.
    :param outputs: all that the job made, as :meth:`~airflow_provider_videoai.jobs.values.outputs.Output.to_json`
        returns it; their URLs are kept whole.
    :param path: of the copy in the user's storage.
    :param sha256: of the copy, in lower-case hex.
    :param duration_ms: the length of the media in milliseconds.
    :param usage: what the job used.
    :param submitted_at: ISO 8601 UTC.
    :param finished_at: ISO 8601 UTC.
    """

    item_id: str
    request: Mapping[str, Any]
    state: str
    job_id: str | None = None
    error: Mapping[str, Any] | None = None
    outputs: Sequence[Mapping[str, Any]] = ()
    path: str | None = None
    sha256: str | None = None
    duration_ms: int | None = None
    usage: Mapping[str, Any] | None = None
    submitted_at: str | None = None
    finished_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, in the order of the contract; :meth:`from_json` reads them back.

        :raises TypeError: for what is no JSON value.
        """
        values = {name: getattr(self, name) for name in _NAMES}
        # Here and not only where a line is made: no signed URL of a request may get into the file, whoever made it.
        values["request"] = _without_secrets(self.request)
        values["outputs"] = [dict(each) for each in self.outputs]
        for name in ("error", "usage"):
            values[name] = None if values[name] is None else dict(values[name])
        return {name: value if value is None else normalised(value) for name, value in values.items()}

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` of any version returned.

        :param stored: outside data; unknown keys are left out.
        :raises ValueError: for anything else. The error names the field, and shows no value.
        """
        if not isinstance(stored, Mapping):
            raise ValueError("a line must be an object")  # noqa: TRY004 - as documented
        values = {name: stored[name] for name in _NAMES if name in stored}
        for name in _REQUIRED:
            if name not in values:
                raise ValueError(f"{name}: is missing")
        for name, value in values.items():
            if not _fits(name, value):
                raise ValueError(f"{name}: is of another type, or a value that it cannot have")
        values["outputs"] = tuple(values.get("outputs") or ())
        return cls(**values)


_NAMES = tuple(each.name for each in fields(Line))
_REQUIRED = ("item_id", "request", "state")
_KINDS: dict[str, type] = {"request": dict, "error": dict, "usage": dict, "outputs": list, "duration_ms": int}


def _fits(name: str, value: Any) -> bool:
    if value is None:
        return name not in _REQUIRED
    # Not isinstance(): True would be a duration of 1 ms.
    return type(value) is _KINDS.get(name, str) and _RULES.get(name, _any)(value)


def _any(_: Any) -> bool:
    return True


def _is_error(value: Mapping[str, Any]) -> bool:
    return type(value.get("type")) is type(value.get("message")) is str and type(value.get("code")) in (str, type(None))


_RULES: dict[str, Callable[[Any], bool]] = {
    "item_id": bool,
    "state": STATES.__contains__,
    "error": _is_error,
    "outputs": lambda value: all(type(each) is dict for each in value),
    "duration_ms": lambda value: value >= 0,
}


class Manifest:
    """The file of all lines. Blocks, so it belongs in a thread of a task that also has an event loop.

    :param path: URL or absolute path of the file, as :func:`check_path` accepts it.
    :param log: gets a warning if lines cannot be read.
    """

    def __init__(self, path: str, log: Log) -> None:
        check_path(path)
        self._path = path
        self._log = log

    def check_store(self) -> None:
        """Open its store, without a request to it; call it before the first item is bought.

        :raises InvalidRequest: if there is no such store: its package may not be installed.
        :raises StorageFailed: if its connection cannot be read.
        """
        FileLocation.find("manifest", self._path)
        with store_errors("manifest", self._path):
            require_connection(self._path)

    def read(self) -> dict[str, Line]:
        """Read what an earlier attempt, or another run with the same path, published.

        A line that cannot be read is left out, and one warning counts these: the file is open to the user's edits, and
        what the batch knows of its jobs is not only here. Of two lines of an item the later counts.

        :returns: the lines by their item ids; empty if there is no file.
        :raises InvalidRequest: if there is no such store.
        :raises StorageFailed: if it cannot be read.
        """
        return self._read(self._path)

    def read_ended(self) -> dict[str, Line]:
        """Read what :meth:`keep_ended` kept.

        :returns: the lines by their item ids; empty if there are none.
        :raises InvalidRequest, StorageFailed: as :meth:`read`.
        """
        return self._read(self._path + ENDED)

    def publish(self, lines: Iterable[Line]) -> None:
        """Write the whole file; whoever reads it meets the old one or the new one, never a part.

        What :meth:`keep_ended` kept is removed then.

        :param lines: in the order in which the file lists them; the first error that this raises ends the publishing.
        :raises InvalidRequest: if there is no such store.
        :raises StorageFailed: if it cannot be written, or another task writes it now.
        """
        from airflow_provider_videoai.transfers.store_failures import open_destination

        self._write(self._path, lines)
        fate = "The manifest is published, and says as much"
        try:
            with store_errors("manifest", self._path + ENDED, failed="cannot be removed", fate=fate):
                open_destination(self._path + ENDED, "manifest").remove()
        except StorageFailed as left:
            self._log.warning("%s", left.message)

    def keep_ended(self, lines: Iterable[Line]) -> None:
        """Write lines beside the manifest, in a file that is to be read by the batch alone.

        :param lines: of items that ended since the manifest was published.
        :raises InvalidRequest, StorageFailed: as :meth:`publish`.
        """
        self._write(self._path + ENDED, lines)

    def _read(self, path: str) -> dict[str, Line]:
        # Imported here: DAG parsing is a hot path, and this loads aiohttp and fsspec.
        from airflow_provider_videoai.transfers.store_failures import open_destination

        with store_errors("manifest", path):
            destination = open_destination(path, "manifest")
            if destination.size() is None:
                return {}
            with destination.open() as file:
                lines = list(lines_of(file))
        read = {line.item_id: line for line in lines if line is not None}
        if unreadable := lines.count(None):
            self._log.warning(
                "manifest: %s of the %s lines of %s cannot be read, and are left out",
                unreadable,
                len(lines),
                redacted_path(path),
            )
        return read

    def _write(self, path: str, lines: Iterable[Line]) -> None:
        from airflow_provider_videoai.media.body import Body
        from airflow_provider_videoai.media.storage import Draft
        from airflow_provider_videoai.transfers.store_failures import open_destination

        with store_errors("manifest", path, failed="cannot be written", fate=_UNPUBLISHED):
            destination = open_destination(path, "manifest")
            with Draft(destination) as draft:
                draft.begin(Body(content_type=_CONTENT_TYPE))
                for piece in _pieces(lines):
                    draft.write(piece)
                draft.close()
                draft.publish()


_UNPUBLISHED = (
    "Nothing was published: a manifest that was there before is as it was. The jobs and what they made are not "
    "affected, and publishing buys nothing"
)


def check_path(path: Any) -> None:
    """Check the path of a manifest.

    :param path: what the user gave.
    :raises InvalidRequest: if it is not the URL or the absolute path of a file that ends in ``.jsonl``, or has braces.
    """
    if not isinstance(path, str) or (store_url(path) is None and not path.startswith("/")):
        raise InvalidRequest(
            f"manifest: must be the URL or the absolute path of a file that ends in {_SUFFIX}, "
            f"s3://conn@bucket/folder/batch{_SUFFIX} or /folder/batch{_SUFFIX} say"
        )
    name = check_name("manifest", path)
    if not name.endswith(_SUFFIX) or name == _SUFFIX:
        raise InvalidRequest(
            f"manifest: must end in {_SUFFIX}, as its lines are JSON, and {redacted_path(path)!r} does not"
        )
    # A batch has one manifest. With {item_id} in its path, somebody expects a file per item.
    if "{" in path or "}" in path:
        raise InvalidRequest(
            f"manifest: has no fields in braces, as the whole batch has one, and {redacted_path(path)!r} has; "
            "only destination takes {item_id}"
        )


def request_fields(request: JobRequest) -> dict[str, Any]:
    """Return the fields of a request for its :class:`Line`: those that were given, without secrets of their URLs.

    :param request: of an item.
    :returns: JSON values by their snake_case names.
    """
    values: dict[str, Any] = _without_secrets(request.model_dump(mode="json", exclude_none=True))
    return values


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            if _WHOLE_URL.fullmatch(value):
                return without_secrets(value.strip())
            return _URL.sub(lambda url: without_secrets(url[0]), _without_login(value)) if "://" in value else value
        case list() | tuple():
            return [_without_secrets(inner) for inner in value]
        case dict() | Mapping():
            return {key: _without_secrets(inner) for key, inner in value.items()}
    return value


def _without_login(value: str) -> str:
    # The connection of a store's URL is no secret; a login that was pasted into it is.
    parts = store_url(value)
    return value if parts is None or ":" not in (parts.conn_id or "") else redacted_path(value)


# -- lines as bytes -----------------------------------------------------------------------------------------


def _pieces(lines: Iterable[Line]) -> Iterator[bytes]:
    """Yield the bytes of the file, about a megabyte at a time."""
    piece = bytearray()
    for line in lines:
        piece += _text(line)
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _text(line: Line) -> bytes:
    values = line.to_json()
    # A line that read() would leave out is of no use.
    if len(text := _encoded(values)) > _LONGEST_LINE:
        text = _encoded(_cut(values))
    return text


def _encoded(values: Mapping[str, Any]) -> bytes:
    # ASCII escapes: many readers of JSONL also end a line at U+2028 or U+0085.
    return json.dumps(values, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def _cut(values: Mapping[str, Any]) -> dict[str, Any]:
    parts = {name: values[name] and bounded(values[name], _LONGEST_PART) for name in ("request", "error", "usage")}
    outputs, room = [], _LONGEST_OUTPUTS
    for output in values["outputs"]:
        room -= len(_encoded(output))
        if room < 0:
            break
        outputs.append(output)
    return {**values, **parts, "outputs": outputs}


def lines_of(file: BinaryIO, most: int | None = None) -> Iterator[Line | None]:
    """Yield the lines of a manifest; ``None`` for one that cannot be read, and one for all beyond the limit.

    :param file: opened for reading.
    :param most: bytes of it that are read; ``None``: 512 MiB.
    """
    for text in _texts(file, _LONGEST_FILE if most is None else most):
        yield _parsed(text)


def _texts(file: BinaryIO, most: int) -> Iterator[bytes | None]:
    """Yield each line of a file; ``None`` for one that is too long, and for all beyond the limit of the file."""
    # Not readline(): that of fsspec takes no limit, and a file of gigabytes without a line break would be held whole.
    rest, too_long, size = b"", False, 0
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > most:
            yield None
            return
        *ended, rest = (rest + piece).split(b"\n")
        for text in ended:
            yield from _kept(text, too_long)
            too_long = False
        if len(rest) > _LONGEST_LINE:
            rest, too_long = b"", True
    yield from _kept(rest, too_long)


def _kept(text: bytes, too_long: bool) -> Iterator[bytes | None]:
    if too_long or len(text) > _LONGEST_LINE:
        yield None
    elif text.strip():
        yield text


def _parsed(text: bytes | None) -> Line | None:
    try:
        return None if text is None else Line.from_json(json_value(text.decode()))
    except ValueError:  # no UTF-8, no JSON, no line
        return None
