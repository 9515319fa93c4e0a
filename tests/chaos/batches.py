# SPDX-License-Identifier: Apache-2.0
"""Play one round of a batch: each of its items is judged as a single job is."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.chaos.kinds import Kind, When
from tests.chaos.patient import Patient
from tests.chaos.rounds import Round, Stage
from tests.chaos.verdict import Facts, Sight

ITEMS, IN_FLIGHT = 6, 4
"""How many items a batch has, and how many of its jobs may be in flight: so one worker submits after another."""
_NAMED = {
    "viitor": ("task_name", "{name}"),
    "aidge": ("video_url", "{clip}#{name}"),
    "cdnetworks": ("filename", "{name}"),
    "topview": ("tts_text", "{name}"),
    "tencent_ivh": ("input_ssml", "<speak>{name}</speak>"),
}
"""The field of each vendor's request that names the item."""


class BatchRound(Round):
    """One round of a batch, of one kind, at one vendor. A fault strikes at its second item."""

    said_when_stopped: Mapping[When, str] = {
        When.WAITING: "of the batch go on at the vendor",
        When.SUBMITTING: "A submit is in flight",
    }

    def __init__(self, stage: Stage[Patient], kind: Kind, vendor: str, name: str) -> None:
        super().__init__(stage, kind, vendor, name)
        self._dag_id = f"batch_{vendor}"
        self._names = {f"{name}-{number}": f"{name}-{number}" for number in range(ITEMS)}
        self._target = f"{name}-1"
        self._item_sights: dict[str, list[Sight]] = defaultdict(list)
        self._item_counts: dict[str, list[int]] = defaultdict(list)
        self._wrong: list[str] = []

    # -- the list ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._write_list()
        super()._begin()

    def _clear(self) -> None:
        if self.kind.relisted:
            self._change_list()
        super()._clear()

    def _change_list(self) -> None:
        """Reverse the list, change the request of one item, and add another item; drop one whose job has ended."""
        names = dict(self._names) | {self._target: f"{self._target}-changed"}
        added = f"{self.name}-{ITEMS}"
        if self.kind.when is When.ENDED:
            names.pop(f"{self.name}-0", None)
        self._names = dict(reversed((names | {added: added}).items()))
        self._write_list()

    def _write_list(self) -> None:
        field, text = _NAMED[self.vendor]
        clip = f"{self._stage.sandbox.url}/sample/clip.mp4"
        rows = ({"item_id": item, field: text.format(clip=clip, name=name)} for item, name in self._names.items())
        self._file("requests").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    def _file(self, name: str) -> Path:
        return self._stage.markers / f"{self.name}.{name}.jsonl"

    # -- what is seen --------------------------------------------------------------------------------------

    def _see(self, task: dict[str, Any]) -> None:
        super()._see(task)
        if self._sights[-1].error not in (None, "BatchFailed"):
            return  # an error that ends the attempt is of no item: the next one attaches to what was bought
        arena, path = self._stage.arena, (self._dag_id, self.name, "make")
        log = arena.task_log(*path, task["try_number"])
        lines = self._manifest()
        for item in self._names:
            self._item_sights[item].append(self._sight_of(item, lines.get(item, {}), log))
            self._item_counts[item].append(len(self._bought_for(item)))
        if task["state"] == "success":
            summary = arena.xcom(*path) or {}
            counts = tuple(summary.get(name) for name in ("total", "succeeded", "failed", "skipped"))
            if counts != (len(self._names), len(self._names), 0, 0):
                self._wrong.append(f"it returned {summary}")

    def _manifest(self) -> dict[str, dict[str, Any]]:
        if not (published := self._file("manifest")).exists():
            return {}
        return {line["item_id"]: line for line in map(json.loads, published.read_text("utf-8").splitlines())}

    def _sight_of(self, item: str, line: Mapping[str, Any], log: str) -> Sight:
        state, job_id = line.get("state", "not in the manifest"), line.get("job_id")
        if state == "succeeded":
            copy = self._stage.markers / "kept" / f"{item}.mp4"
            whole = copy.exists() and hashlib.sha256(copy.read_bytes()).hexdigest() == line["sha256"]
            return Sight("success", job_id=job_id) if whole else Sight("success without its copy")
        # The log has the whole message, the manifest its beginning.
        said = [text for text in log.splitlines() if f"Item '{item}'" in text]
        error = line.get("error") or {"type": None, "message": ""}
        return Sight(state, error["type"], "\n".join([f"job {job_id}", error["message"], *said]))

    def _follow_the_error_message(self) -> None:
        """Follow the documentation for each uncertain item: attach it to its job in the vendor's ledger, or free it."""
        lost = [item for item in self._names if self._item_sights[item][-1].error == "SubmitUncertain"]
        if not lost:
            return
        if len(lost) > IN_FLIGHT:
            self._wrong.append(f"{len(lost)} items are uncertain, and at most {IN_FLIGHT} submits were in flight")
        arena, run = self._stage.arena, (self._dag_id, self.name)
        parts = arena.api("GET", arena.stored(*run, "videoai_batch"))["value"]["parts"]
        for number in range(parts):
            path = arena.stored(*run, f"videoai_batch_{number}")
            part = arena.api("GET", path)["value"]
            for item in lost:
                if (entry := part["items"].get(item)) is None:
                    continue
                if bought := self._bought_for(item):
                    entry["submission"] = {"job_id": bought[-1], "phase": "submitted"}
                else:
                    entry.pop("submission")
            arena.api("PATCH", path, json={"value": part})
        self._clear_what_ended()
        self._see(self._until(lambda task: task["state"] in ("success", "failed")))

    def _facts(self, **found: Any) -> Facts:
        items = {
            item: Facts(
                kind=self._kind_of(item),
                vendor=self.vendor,
                sights=tuple(self._item_sights[item]),
                bought=tuple(self._bought_for(item)),
                bought_at_end=tuple(self._item_counts[item]),
            )
            for item in self._names.keys() | self._item_sights.keys()
        }
        return replace(super()._facts(**found), items=dict(sorted(items.items())), measured=tuple(self._wrong))

    def _kind_of(self, item: str) -> Kind:
        """Return what may befall an item: a fault strikes at one, a kill at those that are being submitted."""
        if item == self._target:
            return self.kind
        struck = self.kind.fault is not None and self.kind.when is not When.SUBMITTING
        return replace(self.kind, bought=1, uncertain=self.kind.uncertain and not struck)
