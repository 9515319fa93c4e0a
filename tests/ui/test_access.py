# SPDX-License-Identifier: Apache-2.0
"""Who may see what, and what no one may learn: every route, with real users of a real API server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from processes import end_group, free_ports, wait_for
from standalone import Standalone

from airflow_provider_videoai.sandbox.running import Sandbox

pytestmark = [pytest.mark.airflow, pytest.mark.ui]

DOORS = Path(__file__).with_name("doors")
LIST = "/video-jobs/api/jobs"
PAGES = ("/video-jobs/", "/video-jobs/jobs", "/video-jobs/job", "/video-jobs/static/page.css")


def routes(run: Any) -> list[str]:
    return [LIST, *(run.api("narrator", what) for what in ("", "/source", "/result", "/subtitles"))]


@pytest.fixture(scope="module")
def one_dag_door(airflow: Standalone) -> Iterator[str]:
    """A second API server on the same database, whose users may read only the DAG `tencent_narrator`."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    environment = airflow.environment | {
        "AIRFLOW__CORE__AUTH_MANAGER": "one_dag.OneDagAuthManager",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "PYTHONPATH": str(DOORS),
    }
    with (airflow.home / "door.log").open("wb") as log:
        door = subprocess.Popen(
            [sys.executable, "-m", "airflow", "api-server", "--port", str(port), "--host", "127.0.0.1"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(lambda: answers(url), 180, "the second API server did not start")
        yield url
    finally:
        end_group(door.pid)
        door.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v2/version", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_without_a_login_every_route_answers_401(done: Any, client: Any) -> None:
    nobody = client(None)
    assert {path: nobody.get(path).status_code for path in [*PAGES, *routes(done)]} == dict.fromkeys(
        [*PAGES, *routes(done)], 401
    )


def test_a_user_without_access_gets_403_from_every_route_and_no_word_of_any_job(done: Any, client: Any) -> None:
    guest = client("guest")
    for path in routes(done):
        answer = guest.get(path)
        assert answer.status_code == 403, path
        assert done.dag_id not in answer.text


def test_a_user_without_access_sees_nothing(done: Any, log_in: Any) -> None:
    page = log_in("guest")
    for address in ("/video-jobs/jobs", f"/video-jobs/job?{done.query('narrator')}"):
        page.goto(address)
        expect(page.locator(".notice")).to_contain_text("No access")
        assert "Tencent" not in page.content()


def test_a_viewer_sees_all_that_there_is(done: Any, client: Any) -> None:
    viewer = client("viewer")
    assert {path: viewer.get(path).status_code for path in routes(done)} == {
        path: 307 if path.endswith("/result") else 404 if path.endswith("/source") else 200 for path in routes(done)
    }


def test_a_user_sees_the_jobs_of_the_dags_that_they_may_read_and_no_others(
    done: Any, client: Any, one_dag_door: str
) -> None:
    narrow = client("narrow", one_dag_door)
    listed = narrow.get(LIST).raise_for_status().json()
    assert {job["dag_id"] for job in listed["jobs"]} == {"tencent_narrator"}
    assert listed["dag_ids"] == ["tencent_narrator"]
    assert narrow.get(LIST, params={"dag_id": done.dag_id}).status_code == 403
    assert narrow.get(LIST, params={"dag_id": "~"}).json()["jobs"] == []
    for path in routes(done)[1:]:
        assert narrow.get(path).status_code == 403, path
        assert narrow.get(path, params={"dag_id": "tencent_narrator"}).status_code == 403, path
    mine = listed["jobs"][0]
    path = f"{LIST}/{mine['dag_id']}/{mine['run_id']}/{mine['task_id']}/{mine['map_index']}"
    assert narrow.get(path).json()["vendor"] == "tencent_ivh"


def test_no_answer_holds_a_secret_or_a_signed_address(done: Any, client: Any) -> None:
    admin = client("admin")
    tasks = [job["task_id"] for job in admin.get(LIST).json()["jobs"] if job["run_id"] == done.run_id]
    said = "".join(admin.get(path).text for path in [LIST, *(done.api(task_id) for task_id in tasks)])
    assert len(tasks) == 6
    for secret in ("Signature", "X-Amz", "?", "media/"):
        assert secret not in said, secret


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{LIST}?vendor=odd", 422),
        (f"{LIST}?state=odd", 422),
        (f"{LIST}?limit=0", 422),
        (f"{LIST}?limit=many", 422),
        (f"{LIST}/localize_clip/no_such_run/narrator/-1", 404),
        (f"{LIST}/no_such_dag/r/t/-1/result", 404),
        (f"{LIST}/localize_clip/r/t/first", 422),
        ("/video-jobs/static/..%2Fweb.py", 404),
        ("/video-jobs/static/job.html", 404),
        ("/video-jobs/nothing", 404),
    ],
)
def test_bad_input_gets_a_clear_answer(path: str, status: int, client: Any) -> None:
    answer = client("admin").get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_job_that_a_task_does_not_have_is_not_found(done: Any, client: Any) -> None:
    answer = client("admin").get(done.api("narrator", "/result?job=1"))
    assert (answer.status_code, answer.json()["detail"]) == (404, "This task has 1 job(s).")


def test_a_page_lets_the_browser_run_nothing_but_its_own_scripts(client: Any) -> None:
    headers = client("admin").get("/video-jobs/jobs").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_however_often_a_result_is_opened_the_vendor_is_polled_seldom_and_nothing_is_bought(
    done: Any, client: Any, sandbox: Sandbox
) -> None:
    sandbox.clear_ledger()
    admin = client("admin")
    for task_id in ("erase_text", "trim", "avatar", "narrator"):
        for query in ("", "?refused=true", "?refused=true"):
            answer = admin.get(done.api(task_id, f"/result{query}"))
            assert answer.status_code in (307, 503), answer.text
    books = sandbox.ledger()
    assert (books["submissions"], books["charges"]) == ([], [])
    # Processes may sign alike: CDNetworks refuses the second request as a replay, and it is repeated once.
    assert [each["vendor"] for each in books["refused"]] in ([], ["cdnetworks"])
    assert len(books["polls"]) - len(books["refused"]) <= 4


def test_a_result_leads_to_media_that_is_there(done: Any, client: Any) -> None:
    admin = client("admin")
    for task_id in ("erase_text", "erase_with_aidge", "trim", "avatar", "narrator"):
        answer = admin.get(done.api(task_id, "/result"))
        assert answer.status_code == 307
        assert httpx.get(answer.headers["location"], trust_env=False).is_success
