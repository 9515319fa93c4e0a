# SPDX-License-Identifier: Apache-2.0
"""The page's routes. Each checks with Airflow who the user is and what they may read; none writes, none costs anything.

No route holds a database session or a thread while it waits for what is outside this machine.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.jobs.values.outputs import MAX_OUTPUTS
from airflow_provider_videoai.plugin import records, view, xcoms
from airflow_provider_videoai.plugin.job_list import Line, Sort, Wanted, followed, listed
from airflow_provider_videoai.plugin.lines import Lines
from airflow_provider_videoai.plugin.media import MediaUrls
from airflow_provider_videoai.plugin.paging import PAGE
from airflow_provider_videoai.plugin.records import GetUserDep
from airflow_provider_videoai.plugin.responses import add_error_handlers
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask
from airflow_provider_videoai.plugin.vendor_calls import OutsideCalls, while_connected
from airflow_provider_videoai.plugin.view import VENDORS, Shown
from airflow_provider_videoai.plugin.wording import is_url

__all__ = [
    "SCAN",
    "Limit",
    "PageNumber",
    "Search",
    "TheJobId",
    "TheReference",
    "TheTask",
    "app",
    "job",
    "jobs",
    "lines",
    "may_read",
    "media_urls",
    "page",
    "result",
    "source",
    "static",
    "stores",
    "subtitles",
    "the_job_id",
    "the_reference",
    "the_task",
    "wanted_of",
]

_STATIC = Path(__file__).with_name("static")
_PAGES = {path.name for path in _STATIC.glob("*.html")}
_ASSETS = {path.name for path in _STATIC.iterdir()} - _PAGES

SCAN = 5000
"""How many tasks, the newest of the DAGs or of the run that is wanted, a list looks at."""

# Of each list's address.
Search = Annotated[str, Query(max_length=1000)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
Limit = Annotated[int, Query(ge=1, le=500)]

app = FastAPI(title="Video jobs", openapi_url=None, docs_url=None, redoc_url=None)
add_error_handlers(app)
media_urls = MediaUrls()
lines = Lines()
stores = OutsideCalls(at_once=4, per_account=4, threads=8)
"""Reads through an XCom backend: few requests at once, each of many reads."""


def may_read(request: Request, user: GetUserDep) -> None:
    """Check that the user may read the task: a dependency of every route with data.

    :param request: whose path or query names the DAG.
    :param user: 401 without a login, by Airflow's own dependency.
    :raises HTTPException: 403 if the user may not read the DAG's tasks, 404 for what cannot be an id.
    """
    # Before Airflow's check, which queries its database for the id.
    query = request.query_params
    ids = [*request.path_params.values(), *query.getlist("dag_id"), *query.getlist("run_id")]
    if not all(records.can_be_id(each) for each in ids):
        raise HTTPException(404, "There is no such task.")
    records.may_read_tasks(request, user)


# -- the page ----------------------------------------------------------------------------------------------------


@app.get("/")
@app.get("/{name}")
def page(_: GetUserDep, name: str = "index") -> FileResponse:
    """Return a page; it holds no data.

    :param name: without its suffix.
    """
    return _file(f"{name}.html", _PAGES)


@app.get("/static/{name}")
def static(_: GetUserDep, name: str) -> FileResponse:
    """Return a script, a style sheet or an icon.

    :param name: of the file.
    """
    return _file(name, _ASSETS)


def _file(name: str, offered: Collection[str]) -> FileResponse:
    # Looked up in a list made at import: a name out of a URL never becomes a path.
    if name not in offered:
        raise HTTPException(404, "There is no such file.")
    return FileResponse(_STATIC / name, headers={"Cache-Control": "no-cache"})


# -- the list ----------------------------------------------------------------------------------------------------


def wanted_of(
    task_id: str | None = None,
    vendor: str | None = None,
    state: Shown | None = None,
    search: Search = "",
    sort: Sort = Sort.NEWEST,
    page: PageNumber = 1,
    limit: Limit = PAGE,
) -> Wanted:
    """Return the filters, the order and the page that a query chooses.

    :param task_id: as :class:`Wanted` has it, like all of them.
    :raises HTTPException: 422 for an unknown vendor.
    """
    if vendor is not None and vendor not in VENDORS:
        raise HTTPException(422, f"vendor: must be one of {', '.join(VENDORS)}")
    return Wanted(task_id=task_id, vendor=vendor, state=state, search=search, sort=sort, page=page, limit=limit)


@app.get("/api/jobs", dependencies=[Depends(may_read)])
async def jobs(
    request: Request,
    user: GetUserDep,
    wanted: Annotated[Wanted, Depends(wanted_of)],
    dag_id: str | None = None,
    run_id: str | None = None,
) -> Response:
    """Return a page of the jobs of the DAGs that the user may read, and what they can be filtered by.

    :param wanted: which of them, in which order, and which page.
    :param dag_id: only this DAG's; ``known`` in the response says whether there is such a DAG, and ``more`` how many
        tasks were looked at if there are more.
    :param run_id: only this run's.
    """
    # In a thread: the auth manager may query the database.
    readable = await run_in_threadpool(records.readable_dag_ids, user)
    dag_ids = readable if dag_id is None else readable & {dag_id}
    entries, more = await run_in_threadpool(records.newest, dag_ids, run_id, SCAN)
    found = await while_connected(request, lines.of(entries, stores))
    return await run_in_threadpool(
        lambda: JSONResponse(
            {
                **listed(followed(found, found), wanted),
                "more": SCAN if more else None,
                "known": dag_id is None or dag_id in readable,
                "dag_ids": records.dag_ids_with_jobs(readable),
                "vendors": VENDORS,
            }
        )
    )


# -- one task ----------------------------------------------------------------------------------------------------

# A run's id may hold slashes, and a server decodes the path before it looks for the route.
_TASK = "/api/jobs/{dag_id}/{run_id:path}/{task_id}/{map_index}"


async def the_task(
    _: Annotated[None, Depends(may_read)],
    request: Request,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: Annotated[int, InPath(ge=-1, le=records.LAST_MAP_INDEX)],
    region_id: UUID | None = None,
) -> VideoTask:
    """Return the task that a path names, once the user is known to be allowed to read it.

    :param map_index: -1 for a task that is not mapped.
    :param region_id: the loop of the task, in Airflow 3.4.
    :raises HTTPException: 404 if there is no such task, or it has no video job.
    """
    found = await run_in_threadpool(records.one, TaskKey(dag_id, run_id, task_id, map_index), region_id)
    if found is None:
        raise HTTPException(404, "This task has no video job yet, or was cleared. Its log says more.")
    (task,) = await while_connected(request, xcoms.read([found], stores))
    return task


TheTask = Annotated[VideoTask, Depends(the_task)]


def the_reference(task: TheTask) -> JobReference:
    """Return what the task stored of its jobs.

    :param task: as Airflow knows it.
    :raises HTTPException: 404 if it cannot be read.
    """
    if task.reference is None:
        raise HTTPException(404, "What this task stored of its job cannot be read.")
    return task.reference


def the_job_id(
    reference: Annotated[JobReference, Depends(the_reference)],
    job: Annotated[int, Query(ge=0, description="Which of the task's jobs, counted from 0.")] = 0,
) -> str:
    """Return the id of one of the task's jobs.

    :param job: which of them, counted from 0: a number, so that a request can only name a job of this task.
    :raises HTTPException: 404 if the task has fewer jobs.
    """
    if job >= len(reference.job_ids):
        raise HTTPException(404, f"This task has {len(reference.job_ids)} job(s).")
    return reference.job_ids[job]


TheReference = Annotated[JobReference, Depends(the_reference)]
TheJobId = Annotated[str, Depends(the_job_id)]


@app.get(f"{_TASK}/source")
async def source(reference: TheReference) -> RedirectResponse:
    """Redirect to the media that the job works on.

    :param reference: what the task stored.
    :raises HTTPException: 404 if it is not a URL: an id of the vendor's, or a text.
    """
    if not is_url(reference.source):
        raise HTTPException(404, "What this job works on is no media at a URL.")
    return _redirect(str(reference.source))


@app.get(f"{_TASK}/result")
async def result(
    request: Request,
    task: TheTask,
    reference: TheReference,
    job_id: TheJobId,
    refused: bool = False,
    output: Annotated[int | None, Query(ge=0, lt=MAX_OUTPUTS, description="Which output, counted from 0.")] = None,
) -> RedirectResponse:
    """Redirect to the media that a job made.

    :param refused: the media's server refused the last URL.
    :param output: one of the result's outputs, counted from 0; without it, its media.
    """
    stored = await run_in_threadpool(view.media_of, task, job_id)
    found = media_urls.address(reference, job_id, stored, refused=refused, output=output)
    return _redirect(await while_connected(request, found))


@app.get(f"{_TASK}/subtitles")
async def subtitles(request: Request, reference: TheReference, job_id: TheJobId) -> Response:
    """Return the subtitles of a result as WebVTT.

    :param job_id: one of the jobs of the reference.
    """
    return Response(await while_connected(request, media_urls.subtitles(reference, job_id)), media_type="text/vtt")


# After the longer routes: a run's id (``:path``) matches slashes too, and the first route that matches is taken.
@app.get(_TASK)
async def job(request: Request, task: TheTask) -> Response:
    """Return a task with its jobs.

    :param task: as Airflow knows it.
    """
    line = Line.of(task)
    seen = line if line.left is None else await while_connected(request, _followed_in_run(line, task.key))
    return await run_in_threadpool(lambda: JSONResponse(_page_of(task) | seen.row))


def _page_of(task: VideoTask) -> dict[str, Any]:
    # Of a job that goes on there is no copy, and its page is requested every few seconds.
    stored = records.stored_results(task.key) if view.state_of(task) is Shown.SUCCEEDED else []
    return view.page(
        task,
        rendered=xcoms.plain_json(records.rendered_fields(task.key)),
        stored=[(task_id, xcoms.plain_json(text)) for task_id, text in stored],
    )


async def _followed_in_run(line: Line, key: TaskKey) -> Line:
    """Return the line as a sensor in the same run sees its job: who may read the task may read that, too."""
    entries, _ = await run_in_threadpool(records.newest, {key.dag_id}, key.run_id, SCAN)
    (seen,) = followed([line], await lines.of(entries, stores))
    return seen


def _redirect(url: str) -> RedirectResponse:
    # The browser fetches the media itself: it never passes through the API server.
    return RedirectResponse(url, status_code=307)
