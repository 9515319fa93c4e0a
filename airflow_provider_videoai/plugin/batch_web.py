# SPDX-License-Identifier: Apache-2.0
"""The routes of a batch's page, added to those of :mod:`.web`, whose checks hold for them as well."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.airflow_compat import AIRFLOW_V_3_3_PLUS
from airflow_provider_videoai.batches.batch_reference import BatchReference
from airflow_provider_videoai.batches.items import LONGEST_ITEM_ID
from airflow_provider_videoai.files.presigned import sign
from airflow_provider_videoai.jobs.errors import VideoAIError
from airflow_provider_videoai.plugin import batch_view, records, web, xcoms
from airflow_provider_videoai.plugin.batch_items import BatchItem, ItemShown, ItemSort, ItemsWanted, listed, merged
from airflow_provider_videoai.plugin.batch_page import Arguments, detail_of, item_row, job_of
from airflow_provider_videoai.plugin.batches import Batches
from airflow_provider_videoai.plugin.manifests import Manifests
from airflow_provider_videoai.plugin.paging import PAGE
from airflow_provider_videoai.plugin.task import VideoTask
from airflow_provider_videoai.plugin.vendor_calls import Busy, OutsideCalls, while_connected
from airflow_provider_videoai.plugin.view import Media, epoch
from airflow_provider_videoai.plugin.web import Limit, PageNumber, Search, TheTask, app
from airflow_provider_videoai.plugin.wording import is_url, shown

__all__ = [
    "SIGNED_FOR",
    "Seen",
    "TheBatch",
    "TheItem",
    "app",
    "batch",
    "batches",
    "files",
    "item_media",
    "item_source",
    "manifests",
    "one_item",
    "the_batch",
    "the_item",
    "wanted_items",
]

SIGNED_FOR = 3600.0
"""Seconds for which the signed URL of a copy is good."""

batches = Batches()
manifests = Manifests()
files = OutsideCalls(at_once=8, per_account=4, threads=8)
"""Reads of manifests, and signatures of copies, in users' storage."""

_LONGEST_NOTE = 600
_BATCH = "/api/batches/{dag_id}/{run_id:path}/{task_id}/{map_index}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch, as far as this request has read it. ``note`` says why its manifest was not read, if that was wanted."""

    task: VideoTask
    reference: BatchReference
    arguments: Arguments
    items: list[BatchItem]
    note: str | None


async def the_batch(request: Request, task: TheTask, manifest: bool = True) -> Seen:
    """Return the batch that a path names, once the user is known to be allowed to read its task.

    :param task: as Airflow knows it.
    :param manifest: whether its manifest is wanted, which takes a read of the user's storage.
    :raises HTTPException: 404 if the task is no batch, or what it stored cannot be read.
    """
    if task.batch is None:
        what = "What this batch stored of itself cannot be read." if task.is_batch else "This task is no batch."
        raise HTTPException(404, what)
    rendered = await run_in_threadpool(records.rendered_fields, task.key)
    arguments = Arguments(await run_in_threadpool(xcoms.plain_json, rendered), task.batch)
    items, note = await batches.of(task.key), None
    if manifest and arguments.manifest is not None:
        try:
            lines = await while_connected(request, manifests.of(arguments.manifest, files))
        except VideoAIError as failure:
            note = shown(failure.message, _LONGEST_NOTE)
        except Busy as busy:  # what the records say is shown all the same
            note = busy.reason
        else:
            items = await run_in_threadpool(partial(merged, items, lines, trusted=not AIRFLOW_V_3_3_PLUS))
    return Seen(task, task.batch, arguments, items, note)


TheBatch = Annotated[Seen, Depends(the_batch)]


def wanted_items(
    state: ItemShown | None = None,
    search: Search = "",
    sort: ItemSort = ItemSort.FAILED,
    page: PageNumber = 1,
    limit: Limit = PAGE,
) -> ItemsWanted:
    """Return the filters, the order and the page that a query chooses.

    :param state: as :class:`ItemsWanted` has it, like all of them.
    """
    return ItemsWanted(state=state, search=search, sort=sort, page=page, limit=limit)


def the_item(seen: TheBatch, item_id: Annotated[str, Query(min_length=1, max_length=LONGEST_ITEM_ID)]) -> BatchItem:
    """Return an item of the batch.

    :param seen: the batch.
    :param item_id: the item's own.
    :raises HTTPException: 404 if there is no such item.
    """
    found = next((item for item in seen.items if item.item_id == item_id), None)
    if found is None:
        raise HTTPException(404, "This batch has no such item, or it has no record yet.")
    return found


TheItem = Annotated[BatchItem, Depends(the_item)]


@app.get(f"{_BATCH}/item")
async def one_item(seen: TheBatch, item: TheItem) -> Response:
    """Return an item with its request.

    :param item: of the batch.
    """
    return await run_in_threadpool(lambda: JSONResponse(detail_of(item, seen.arguments, seen.reference)))


@app.get(f"{_BATCH}/source")
async def item_source(item: TheItem) -> RedirectResponse:
    """Redirect to the media that an item's job works on.

    :raises HTTPException: 404 if it is not a URL, or not known.
    """
    source = None if item.line is None else item.line.source
    if source is None or not is_url(source):
        raise HTTPException(404, "What this job works on is no media at a URL.")
    return RedirectResponse(source, status_code=307)


@app.get(f"{_BATCH}/media")
async def item_media(
    request: Request, seen: TheBatch, item: TheItem, stored: bool = False, refused: bool = False, copy: bool = True
) -> RedirectResponse:
    """Redirect to what an item's job made: the copy in the user's storage if a browser can read it there.

    :param stored: do not query the vendor.
    :param refused: the media's server refused the last URL.
    :param copy: ``False`` leaves the copy out: a browser may not reach the storage that the API server reaches.
    :raises HTTPException: 404 if there is none.
    """
    path = seen.arguments.signable_copy_of(item) if copy else None
    known = None if item.line is None else item.line.media_url
    if path is not None:
        try:
            return RedirectResponse(await while_connected(request, _signed(path)), status_code=307)
        except VideoAIError as failure:
            if known is None and (stored or item.job_id is None):
                raise HTTPException(404, shown(failure.message)) from failure
    if stored and known is not None:
        return RedirectResponse(known, status_code=307)
    if stored or item.job_id is None or item.state not in (ItemShown.SUCCEEDED, ItemShown.SKIPPED):
        raise HTTPException(404, "There is no media of this item.")
    received_at = None if item.line is None else epoch(item.line.finished_at)
    found = web.media_urls.address(
        job_of(item, seen.reference), item.job_id, Media(known, None, received_at), refused=refused
    )
    return RedirectResponse(await while_connected(request, found), status_code=307)


async def _signed(path: str) -> str:
    async with files.call("copies"):
        return await files.in_thread(partial(sign, "destination", path, SIGNED_FOR))


# After the longer routes: a run's id (``:path``) matches slashes too, and the first route that matches is taken.
@app.get(_BATCH)
async def batch(seen: TheBatch, wanted: Annotated[ItemsWanted, Depends(wanted_items)]) -> Response:
    """Return a batch with a page of its items.

    :param wanted: which of them, in which order, and which page.
    """
    return await run_in_threadpool(lambda: JSONResponse(_shown(seen, wanted)))


def _shown(seen: Seen, wanted: ItemsWanted) -> dict[str, Any]:
    found = listed(seen.items, wanted)
    rows = found.pop("rows")
    return {
        **batch_view.row(seen.task),
        "conn_id": shown(seen.reference.conn_id),
        "max_in_flight": seen.reference.max_in_flight,
        "manifest": None if seen.reference.manifest is None else shown(seen.reference.manifest),
        "manifest_readable": seen.arguments.manifest is not None,
        "note": seen.note,
        "destination": seen.arguments.destination,
        "known": len(seen.items),
        **found,
        "items": [item_row(item, seen.arguments) for item in rows],
    }
