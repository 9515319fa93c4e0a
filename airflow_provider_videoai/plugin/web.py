# SPDX-License-Identifier: Apache-2.0
"""The page's routes. Each asks Airflow who the user is and what they may read; none writes, none costs anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from airflow_provider_videoai.plugin import records, subtitles, view
from airflow_provider_videoai.plugin.media import MediaDesk, MediaUnavailable
from airflow_provider_videoai.plugin.records import GetUserDep, SessionDep
from airflow_provider_videoai.plugin.task import TaskKey, VideoTask
from airflow_provider_videoai.plugin.view import VENDORS, Shown
from airflow_provider_videoai.plugin.wording import is_url

_STATIC = Path(__file__).with_name("static")
_PAGES = {path.name for path in _STATIC.glob("*.html")}
_ASSETS = {path.name for path in _STATIC.iterdir()} - _PAGES

SCAN = 1000
"""How many of the newest jobs a list looks at for those that its filters let pass."""

# Vendors keep media at hosts that nobody can list.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' http: https:; media-src 'self' http: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    # A media server need not learn where Airflow is.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

app = FastAPI(title="Video jobs", openapi_url=None, docs_url=None, redoc_url=None)
desk = MediaDesk()


@app.middleware("http")
async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Let a browser do with an answer what the page needs, and no more."""
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


# -- the page ----------------------------------------------------------------------------------------------------


@app.get("/")
@app.get("/{name}")
def page(_: GetUserDep, name: str = "index") -> FileResponse:
    """Return a page; it holds no data."""
    return _file(f"{name}.html", _PAGES)


@app.get("/static/{name}")
def static(_: GetUserDep, name: str) -> FileResponse:
    """Return a script, a style sheet or an icon."""
    return _file(name, _ASSETS)


def _file(name: str, offered: Collection[str]) -> FileResponse:
    if name not in offered:
        raise HTTPException(404, "There is no such file.")
    return FileResponse(_STATIC / name, headers={"Cache-Control": "no-cache"})


# -- the list ----------------------------------------------------------------------------------------------------


@app.get("/api/jobs", dependencies=[Depends(records.may_read_tasks)])
def jobs(
    user: GetUserDep,
    session: SessionDep,
    dag_id: str | None = None,
    vendor: str | None = None,
    state: Shown | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return the newest jobs of the DAGs that the user may read, and what they can be filtered by."""
    if vendor is not None and vendor not in VENDORS:
        raise HTTPException(422, f"vendor: must be one of {', '.join(VENDORS)}")
    readable = records.readable_dag_ids(user)
    wanted = readable if dag_id is None else readable & {dag_id}
    found = (
        view.row(task)
        for task in records.video_tasks(session, wanted, SCAN)
        if (vendor is None or task.card.vendor == vendor) and (state is None or view.state_of(task) is state)
    )
    rows = list(islice(found, limit + 1))
    return {
        "jobs": rows[:limit],
        "more": len(rows) > limit,
        "dag_ids": records.dag_ids_with_jobs(session, readable),
        "vendors": VENDORS,
    }


# -- one task ----------------------------------------------------------------------------------------------------

_TASK = "/api/jobs/{dag_id}/{run_id}/{task_id}/{map_index}"


def the_task(
    _: Annotated[None, Depends(records.may_read_tasks)],
    session: SessionDep,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int,
) -> VideoTask:
    """Return the task of a path to a user who may read it, or answer 404."""
    task = records.video_task(session, TaskKey(dag_id, run_id, task_id, map_index))
    if task is None:
        raise HTTPException(404, "This task has no video job yet, or was cleared. Its log says more.")
    return task


TheTask = Annotated[VideoTask, Depends(the_task)]
TheJob = Annotated[int, Query(ge=0, description="Which of the task's jobs, counted from 0.")]


@app.get(_TASK)
def job(task: TheTask) -> dict[str, Any]:
    """Return a task with its jobs."""
    return view.page(task)


@app.get(f"{_TASK}/source")
def source(task: TheTask) -> RedirectResponse:
    """Lead to the media that the job works on."""
    if not is_url(task.card.source):
        raise HTTPException(404, "What this job works on is no media at a URL.")
    return _lead_to(str(task.card.source))


@app.get(f"{_TASK}/result")
def result(task: TheTask, job: TheJob = 0, refused: bool = False) -> RedirectResponse:
    """Lead to the media that a job made; ``refused`` says that the last address did not work."""
    job_id = _job_id(task, job)
    try:
        url = desk.address(task.card, job_id, view.media_of(task, job_id), refused=refused)
    except MediaUnavailable as failure:
        raise HTTPException(failure.status, failure.reason) from failure
    if not is_url(url):
        raise HTTPException(502, "The vendor gave something else than an address.")
    return _lead_to(url)


@app.get(f"{_TASK}/subtitles")
def subtitles_of(task: TheTask, job: TheJob = 0) -> Response:
    """Return the subtitles of a result as WebVTT."""
    try:
        # The vendor's own word, never the XCom's: this address is fetched from here.
        url = desk.result(task.card, _job_id(task, job)).subtitles_url
    except MediaUnavailable as failure:
        raise HTTPException(failure.status, failure.reason) from failure
    if url is None or not is_url(url):
        raise HTTPException(404, "This result has no subtitles.")
    try:
        return Response(subtitles.fetch(url, allow_private=desk.allows_private(task.card)), media_type="text/vtt")
    except subtitles.NoSubtitles as failure:
        raise HTTPException(502, f"No subtitles: {failure}.") from failure


def _job_id(task: VideoTask, number: int) -> str:
    if number >= len(task.card.job_ids):
        raise HTTPException(404, f"This task has {len(task.card.job_ids)} job(s).")
    return task.card.job_ids[number]


def _lead_to(url: str) -> RedirectResponse:
    return RedirectResponse(url, status_code=307)
