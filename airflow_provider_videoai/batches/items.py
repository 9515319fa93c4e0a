# SPDX-License-Identifier: Apache-2.0
"""Validate the requests of a batch, all at once, before anything is bought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticSerializationError

from airflow_provider_videoai.batches.row_files import ARGUMENT, Row
from airflow_provider_videoai.batches.rows import rows_of
from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.jobs.request import JobRequest
from airflow_provider_videoai.jobs.submission.fingerprint import fingerprint_of
from airflow_provider_videoai.jobs.values.field_values import is_empty, unquoted
from airflow_provider_videoai.jobs.values.given_value import as_given
from airflow_provider_videoai.jobs.values.printable import shortened

__all__ = ["ITEM_ID", "LONGEST_ITEM_ID", "Item", "items_of"]

ITEM_ID = "item_id"
"""The name of a row's own id, beside the fields of its request."""
LONGEST_ITEM_ID = 200
"""Characters, and bytes in UTF-8: a destination may have it in a file's name, which has 255 bytes at most."""
_NOTHING_BOUGHT = "nothing was sent, nothing was bought"
# Ten rows show what is wrong, and so much of each fits into the 4,000 characters of an error.
_ROWS_SHOWN, _PROBLEM_SHOWN = 10, 280


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch, with an id of its own.

    :param item_id: the caller's ``item_id``; without one, the fingerprint.
    :param request: validated.
    :param fingerprint: of the request, the vendor, the connection and the operation.
    :param row: from 1, as given; of a file with lines the line. For messages only, never a key.
    """

    item_id: str
    request: JobRequest
    fingerprint: str
    row: int


def items_of(
    given: Any,
    *,
    request_class: type[JobRequest],
    vendor: str,
    conn_id: str,
    common: Mapping[str, Any] | str | None,
) -> list[Item]:
    """Read and validate all requests of a batch.

    :param given: mappings of the requests' fields, each perhaps with an ``item_id``: a list, the outputs of a mapped
        task, the text of a list, or the path or store URL of a ``.jsonl``, ``.ndjson``, ``.json`` or ``.csv`` file.
    :param vendor: the vendor's key.
    :param conn_id: the Airflow connection of the account.
    :param common: fields that all requests share, or the text of a mapping of them; a row's own value wins, and an
        empty one is none.
    :returns: the items in the given order, at least one, each with another ``item_id``.
    :raises InvalidRequest: naming the first ten broken rows, and how many there are.
    :raises StorageFailed: if the store of a file failed. A retry reads it again, and buys nothing.
    """
    try:
        batch = _Batch(request_class, vendor, conn_id, common)
        for row in rows_of(given, batch.names):
            batch.add(row)
        return batch.items()
    except InvalidRequest as refused:
        # In place, so that the cause and the traceback stay.
        if not refused.message.endswith(_NOTHING_BOUGHT):
            refused.message = f"{refused.message.rstrip('.')}; {_NOTHING_BOUGHT}"
            refused.args = (refused.message,)
        raise


class _Batch:
    """The items so far, and what is wrong with the other rows."""

    def __init__(
        self, request_class: type[JobRequest], vendor: str, conn_id: str, common: Mapping[str, Any] | str | None
    ) -> None:
        self._request_class, self._vendor, self._conn_id = request_class, vendor, conn_id
        fields = request_class.model_fields
        aliases = {field.alias: name for name, field in fields.items() if field.alias}
        self.names = {ITEM_ID: ITEM_ID, **{name: name for name in fields}, **aliases}
        self._common = self._checked(common)
        self._items: list[Item] = []
        # By what must differ: the row that has it, and for an id whether the caller gave it.
        self._rows_of_ids: dict[str, tuple[int, bool]] = {}
        self._rows_of_chosen: dict[str, int] = {}
        self._rows = 0
        self._broken = 0
        self._shown: list[str] = []

    def items(self) -> list[Item]:
        """Return the items.

        :raises InvalidRequest: if a row is broken.
        """
        if not self._broken:
            return self._items
        more = self._broken - len(self._shown)
        raise InvalidRequest(
            f"{ARGUMENT}: {self._broken:,} of {self._rows:,} cannot be submitted: {' | '.join(self._shown)}"
            f"{f' | and {more:,} more' if more else ''}; {_NOTHING_BOUGHT}"
        )

    def add(self, row: Row) -> None:
        """Validate a row, and keep its item or what is wrong."""
        self._rows += 1
        item_id = None
        try:
            if row.problem:
                raise InvalidRequest(row.problem)  # noqa: TRY301 - one place counts broken rows
            fields = self._fields(row.values)
            item_id = _item_id(fields.pop(ITEM_ID, None))
            if item_id is not None:
                self._claim(item_id, row.number, given=True)
            self._items.append(self._item(item_id, fields, row.number))
        except InvalidRequest as broken:
            self._broken += 1
            if len(self._shown) < _ROWS_SHOWN:
                whose = "" if item_id is None else f" (item {as_given(item_id)})"
                said = broken.message.removeprefix(f"{self._request_class.operation} request is not valid: ")
                self._shown.append(f"row {row.number}{whose}: {shortened(said, _PROBLEM_SHOWN)}")

    def _item(self, item_id: str | None, fields: Mapping[str, Any], row: int) -> Item:
        request = self._request_class.parse(fields)
        try:
            sent = request.to_vendor()
        except PydanticSerializationError:
            raise InvalidRequest("holds a value that cannot be written as JSON") from None
        fingerprint = fingerprint_of(self._vendor, self._conn_id, request.operation, sent)
        if item_id is None:
            self._claim(fingerprint, row, given=False)
        # The vendor would take the second for the first, or refuse it.
        chosen = request.chosen_id
        if chosen is not None and (first := self._rows_of_chosen.setdefault(chosen, row)) != row:
            raise InvalidRequest(f"has the same job id ({as_given(chosen)}) as row {first}: give it another")
        return Item(item_id or fingerprint, request, fingerprint, row)

    def _claim(self, item_id: str, row: int, *, given: bool) -> None:
        first, was_given = self._rows_of_ids.setdefault(item_id, (row, given))
        if first == row:
            return
        if given or was_given:
            raise InvalidRequest(f"has the same {ITEM_ID} as row {first}: give it another, or remove one of them")
        raise InvalidRequest(
            f"is the same request as row {first}: give each an {ITEM_ID} if both are wanted, or remove one of them"
        )

    def _fields(self, values: Any) -> dict[str, Any]:
        if not isinstance(values, Mapping):
            raise InvalidRequest(f"must be an object of a request's fields, not {as_given(values)}")
        fields = dict(self._common)
        for name, value in self._named(values):
            # An empty value is none, as for a single request; a field that must be given keeps it, for the error.
            if name not in fields or not is_empty(value):
                fields[name] = value
        return fields

    def _named(self, values: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
        """Yield values by their fields' own names: a row may use the vendor's, and its common fields not."""
        seen: set[str] = set()
        for key, value in values.items():
            name = self.names.get(key)
            if name is None:
                # Quoted with care: in a file of another form it may be a signed URL.
                raise InvalidRequest(
                    f"{as_given(key)} is not a field; the fields are {', '.join(dict.fromkeys(self.names.values()))}"
                )
            if name in seen:
                raise InvalidRequest(f"{name}: given twice, also as {key}")
            seen.add(name)
            yield name, value

    def _checked(self, common: Mapping[str, Any] | str | None) -> dict[str, Any]:
        if common is None:
            return {}
        if isinstance(common, str):  # a template that was rendered
            common = unquoted(common)
        if not isinstance(common, Mapping):
            raise InvalidRequest(f"common: must be a mapping of fields, not {as_given(common)}")
        try:
            fields = {name: value for name, value in self._named(common) if not is_empty(value)}
            if ITEM_ID in common:
                raise InvalidRequest(f"{ITEM_ID}: belongs to one request: give it in its row")  # noqa: TRY301
            # Once here rather than once per row.
            self._request_class.check_known(fields, self._request_class.model_fields.keys() - fields.keys())
        except InvalidRequest as broken:
            said = broken.message.removeprefix(f"{self._request_class.operation} request is not valid: ")
            raise InvalidRequest(f"common: {said}") from None
        return fields


def _item_id(given: Any) -> str | None:
    """Return a row's own id; ``None`` if it has none.

    :raises InvalidRequest: for what cannot be a part of a file's name.
    """
    if given is None:
        return None
    if isinstance(given, int) and not isinstance(given, bool) and given.bit_length() < LONGEST_ITEM_ID:
        given = str(given)
    if not isinstance(given, str):
        raise InvalidRequest(f"{ITEM_ID}: must be text, not {as_given(given)}")
    if is_empty(given):
        raise InvalidRequest(f"{ITEM_ID}: came empty: check the template, or leave it out")
    if not given.isprintable():
        raise InvalidRequest(f"{ITEM_ID}: must be of printable characters, not {as_given(given)}")
    if len(given.encode()) > LONGEST_ITEM_ID:
        raise InvalidRequest(f"{ITEM_ID}: must have at most {LONGEST_ITEM_ID} characters (bytes in UTF-8)")
    if "/" in given or "\\" in given or given != given.strip() or given in (".", ".."):
        raise InvalidRequest(
            f"{ITEM_ID}: must be fit for a file's name, not {as_given(given)}: no / or \\, no whitespace around it, "
            "not . or .."
        )
    return given
