# SPDX-License-Identifier: Apache-2.0
"""What a job made: any number of media, and which of them the single fields of a result mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from airflow_provider_videoai.jobs.values.printable import shortened, shown

__all__ = [
    "MAX_OUTPUTS",
    "Derived",
    "Output",
    "OutputKind",
    "bounded_outputs",
    "derived",
    "kind_of_url",
    "main_of",
    "outputs_from_json",
    "subtitles_of",
    "with_fields",
]

# They go into each status and into the XCom; a vendor's answer may list any number.
MAX_OUTPUTS = 100
"""How many outputs are kept of one job, the mark included that says how many were cut."""
_LONGEST_URL = 32 * 1024
_LONGEST_ID = 1000
_LONGEST_LABEL = 200


class OutputKind(StrEnum):
    """What an output is."""

    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    SUBTITLES = "subtitles"
    FILE = "file"
    """Anything else, and what a later version names by a kind that is unknown to this one."""


_SUFFIXES: Mapping[str, OutputKind] = {
    **dict.fromkeys((".mp3", ".wav", ".m4a", ".aac", ".ogg", ".flac", ".opus"), OutputKind.AUDIO),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif"), OutputKind.IMAGE),
    **dict.fromkeys((".srt", ".vtt", ".ass"), OutputKind.SUBTITLES),
}


def kind_of_url(url: str, default: OutputKind = OutputKind.VIDEO) -> OutputKind:
    """Return the kind of a file by the suffix of its name.

    :param url: where it is; its query does not count.
    :param default: the kind if the suffix says nothing.
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        return default
    return _SUFFIXES.get(PurePosixPath(path).suffix.lower(), default)


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a job made.

    :param kind: what it is.
    :param url: where it is; may be signed, so it is in no ``repr``. ``None`` if the vendor names only an id.
    :param media_id: the vendor's id of it, if it has one.
    :param label: what distinguishes it from the job's other outputs, in a few words.
    """

    kind: OutputKind
    url: str | None = field(default=None, repr=False)
    media_id: str | None = None
    label: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Bound the texts, which a vendor wrote; each cut says so."""
        label = self.label
        # A URL that was cut leads nowhere, so none is kept of one that is too long.
        if self.url is not None and len(self.url) > _LONGEST_URL:
            label = f"[cut: a URL of {len(self.url)} characters] {label or ''}".strip()
            object.__setattr__(self, "url", None)
        object.__setattr__(self, "kind", OutputKind(self.kind))
        object.__setattr__(self, "url", self.url or None)
        media_id = self.media_id or None
        if media_id is not None and len(media_id) > _LONGEST_ID:
            media_id = shortened(media_id, _LONGEST_ID)
        object.__setattr__(self, "media_id", media_id)
        object.__setattr__(self, "label", shortened(label, _LONGEST_LABEL) if label else None)

    def to_json(self) -> dict[str, str | None]:
        """Return JSON values; :meth:`from_json` reads them back."""
        return {"kind": self.kind.value, "url": self.url, "media_id": self.media_id, "label": self.label}

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """Read what :meth:`to_json` of any version wrote.

        :param stored: outside data; unknown keys are left out, an unknown kind is a file.
        :raises ValueError: for anything else.
        """
        if not isinstance(stored, Mapping):
            raise ValueError(f"outputs: each must be an object, not {shown(stored)}")  # noqa: TRY004 - as documented
        kind = stored.get("kind")
        values = [stored.get(name) for name in ("url", "media_id", "label")]
        for value in (kind, *values):
            if value is not None and type(value) is not str:
                raise ValueError(f"outputs: {shown(value)} must be a string")
        return cls(OutputKind(kind) if kind in _KINDS else OutputKind.FILE, *values)


# Python 3.11's enums raise TypeError for `in` with a string.
_KINDS = frozenset(OutputKind)


class Derived(NamedTuple):
    """The single fields of a result: those of the main output, and the URL of the first subtitles."""

    # They are older than outputs, and part of the public contract: DAGs read result["media_url"].

    media_url: str | None
    subtitles_url: str | None
    media_id: str | None


def main_of(outputs: Iterable[Output]) -> Output | None:
    """Return the output that ``media_url`` and ``media_id`` mean.

    :param outputs: all that the job made.
    :returns: the first video with a URL, else the first other output with one, else the first that has only an id;
        never subtitles. ``None`` if there is none of these.
    """
    media = [each for each in outputs if each.kind is not OutputKind.SUBTITLES]
    ranked = sorted(media, key=lambda each: (each.url is None, each.kind is not OutputKind.VIDEO))
    return next((each for each in ranked if each.url or each.media_id), None)


def subtitles_of(outputs: Iterable[Output]) -> Output | None:
    """Return the first subtitles that have a URL.

    :param outputs: all that the job made.
    """
    return next((each for each in outputs if each.kind is OutputKind.SUBTITLES and each.url), None)


def derived(outputs: Sequence[Output]) -> Derived:
    """Return the single fields of a result.

    :param outputs: all that the job made.
    """
    main, subtitles = main_of(outputs), subtitles_of(outputs)
    return Derived(main.url if main else None, subtitles.url if subtitles else None, main.media_id if main else None)


def with_fields(outputs: Sequence[Output], fields: Derived) -> tuple[Output, ...]:
    """Return the outputs, the main one and the subtitles changed to what the single fields say.

    :param outputs: all that the job made; empty if a version without outputs stored it.
    :param fields: the single fields.
    """
    main, subtitles = main_of(outputs), subtitles_of(outputs)
    first = []
    if fields.media_url or fields.media_id:
        kind = main.kind if main else _kind_of_media(fields.media_url)
        label = main.label if main else None
        first.append(Output(kind, fields.media_url, fields.media_id, label))
    if fields.subtitles_url:
        given = subtitles or Output(OutputKind.SUBTITLES)
        first.append(replace(given, url=fields.subtitles_url))
    return (*first, *(each for each in outputs if each is not main and each is not subtitles))


def _kind_of_media(url: str | None) -> OutputKind:
    # Subtitles are never the main output: as such, a media_url that ends in ".srt" would be lost.
    kind = kind_of_url(url or "")
    return OutputKind.FILE if kind is OutputKind.SUBTITLES else kind


def bounded_outputs(outputs: Sequence[Output]) -> tuple[Output, ...]:
    """Return at most :data:`MAX_OUTPUTS` outputs; if some were cut, the last says how many.

    :param outputs: all that the job made. What the single fields mean is kept, wherever it stands.
    """
    if len(outputs) <= MAX_OUTPUTS:
        return tuple(outputs)
    named = [each for each in (main_of(outputs), subtitles_of(outputs)) if each is not None]
    # By identity: two outputs may be equal, and both are kept.
    rest = [each for each in outputs if not any(each is one for one in named)]
    kept = [*named, *rest][: MAX_OUTPUTS - 1]
    return (*kept, Output(OutputKind.FILE, label=f"[cut: {len(outputs) - len(kept)} more outputs]"))


def outputs_from_json(stored: Any) -> tuple[Output, ...]:
    """Read a list of outputs as any version wrote it.

    :param stored: outside data; ``None`` if a version without outputs stored it.
    :raises ValueError: for anything else.
    """
    if stored is None:
        return ()
    if not isinstance(stored, list):
        raise ValueError(f"outputs: must be a list, not {shown(stored)}")  # noqa: TRY004 - as documented
    return tuple(map(Output.from_json, stored))
