# SPDX-License-Identifier: Apache-2.0
"""Lost answers and dead workers: no job is bought twice unless the user says so."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    InvalidRequest,
    SubmitRejected,
    SubmitUncertain,
    VideoAIError,
)
from airflow_provider_videoai.jobs.submission.record import STORE_KEY, Phase
from airflow_provider_videoai.jobs.submission.record_store import conclude, save
from airflow_provider_videoai.jobs.submission.submitter import SubmittedJob
from tests.jobs.polling.lab import NOW
from tests.jobs.submission.desk import FATES, CrashError, Desk

# -- lost answers ----------------------------------------------------------------------------------------------


def test_lost_answer_is_never_followed_by_another_submit(desk: Desk) -> None:
    desk.lab.fate = lambda: {"lost": True}
    for _ in range(3):
        with pytest.raises(SubmitUncertain):
            desk.attempt()
    assert desk.journal.count("order") == 1


@pytest.mark.parametrize("attempt", ["the one whose answer was lost", "a later one"])
def test_lost_answer_is_told_with_the_time_and_how_to_go_on(desk: Desk, attempt: str) -> None:
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain) as uncertain:
        desk.attempt()
    if attempt == "a later one":
        desk.now += 1000
        with pytest.raises(SubmitUncertain) as uncertain:
            desk.attempt()
    said = uncertain.value.message
    assert "may have been bought" in said
    assert re.search(r"Sent to Lab between 2023-11-14T22:13:20\+00:00 and 2023-11-14T22:(13:20|30:00)\+00:00", said)
    for step in (
        "'job_id'",
        "'phase'",
        "'submitted'",
        STORE_KEY,
        "on_uncertain_submit='resubmit'",
        '{"phase": "failed"}',
    ):
        assert step in said


def test_advice_for_a_job_that_was_found_works(desk: Desk) -> None:
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    desk.store.kept[STORE_KEY] |= {"job_id": "job-1", "phase": "submitted"}
    assert desk.attempt() == SubmittedJob("job-1", NOW, fresh=False)


def test_advice_for_a_job_that_was_not_found_works(desk: Desk) -> None:
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain):
        desk.attempt()
    desk.lab.fate = dict
    desk.store.kept[STORE_KEY] = {"phase": "failed"}
    assert desk.attempt().fresh


def test_user_may_choose_to_pay_twice_rather_than_stop(desk: Desk) -> None:
    desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain, match="may pay twice"):
        desk.attempt(on_uncertain_submit="resubmit")
    desk.lab.fate = dict
    assert desk.attempt(on_uncertain_submit="resubmit").job_id == "job-2"
    assert desk.attempt(on_uncertain_submit="resubmit").job_id == "job-2"
    assert desk.record.generation == 1


# -- a submit that is cut short ---------------------------------------------------------------------------------


@pytest.fixture
def told_amid_the_submit() -> Any:
    """Have the task stopped while the vendor works on its submit; return what it then says."""

    def told_amid_the_submit(desk: Desk, **options: Any) -> str:
        told: list[str | None] = []

        def stopped() -> Any:
            reads = len(desk.journal)
            told.append(desk.submitter.cut_short())
            assert len(desk.journal) == reads, "nothing may be asked or kept while the task is being killed"
            raise CrashError

        desk.lab.fate = stopped
        with pytest.raises(CrashError):
            desk.attempt(**options)
        assert told == [desk.submitter.cut_short()], "Airflow's own timeout is told of after the submit was left"
        return str(told[0])

    return told_amid_the_submit


def test_stop_amid_a_submit_says_that_the_job_may_have_been_bought(desk: Desk, told_amid_the_submit: Any) -> None:
    said = told_amid_the_submit(desk)
    assert "A submit is in flight" in said
    assert "may have been bought. Sent to Lab between 2023-11-14T22:13:20+00:00 and 2023-11-14T22:13:20+00:00." in said
    assert "not submitted again by itself" in said
    with pytest.raises(SubmitUncertain):
        desk.attempt()


def test_stop_amid_a_submit_says_what_the_user_chose(desk: Desk, told_amid_the_submit: Any) -> None:
    assert "may pay twice" in told_amid_the_submit(desk, on_uncertain_submit="resubmit")


def test_stop_amid_a_submit_names_the_job_that_is_polled_first(own_id_desk: Desk, told_amid_the_submit: Any) -> None:
    said = told_amid_the_submit(own_id_desk)
    assert f"The next attempt queries Own id lab for job {own_id_desk.record.job_id}" in said


def test_without_a_lasting_record_no_help_is_promised_from_it(
    desk: Desk, own_id_desk: Desk, told_amid_the_submit: Any
) -> None:
    for each in (desk, own_id_desk):
        each.store.lasting = False
    assert told_amid_the_submit(desk).endswith(
        "keeps no record of it: another attempt submits again, and may pay twice."
    )
    said = told_amid_the_submit(own_id_desk)
    named = json.loads(own_id_desk.transport.calls[-1].body)["id"]
    assert said.endswith(f"and may pay twice. Look for job {named} at Own id lab first.")


def test_without_a_lasting_record_a_lost_answer_is_not_retried(own_id_desk: Desk) -> None:
    own_id_desk.store.lasting = False
    own_id_desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain) as uncertain:
        own_id_desk.attempt()
    assert not uncertain.value.retry_helps
    assert uncertain.value.job_id == own_id_desk.lab.orders[0]


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
def test_submit_that_was_answered_or_given_up_is_not_under_way(desk: Desk, fate: Any) -> None:
    desk.lab.fate = fate
    with suppress(VideoAIError):
        desk.attempt()
    assert desk.submitter.cut_short() is None


def test_attaching_is_no_submit(desk: Desk) -> None:
    desk.attempt()
    desk.attempt()
    assert desk.submitter.cut_short() is None


# -- a vendor where we name the job ----------------------------------------------------------------------------


def test_job_has_a_random_name_that_is_recorded_before_it_is_sent(own_id_desk: Desk) -> None:
    def fate() -> Any:
        recorded.append(own_id_desk.record.job_id)
        return {}

    recorded: list[str | None] = []
    own_id_desk.lab.fate = fate
    job_id = own_id_desk.attempt().job_id
    assert recorded == [job_id]
    assert len(job_id) == 32
    assert job_id.isalnum()


def test_same_task_whose_record_is_gone_never_has_the_same_name(own_id_desk: Desk) -> None:
    """As after a deleted run that comes back under its id, in another Airflow, in another iteration of a loop."""
    names = set()
    for _ in range(3):
        names.add(own_id_desk.attempt().job_id)
        own_id_desk.store.kept.clear()
    assert len(names) == 3


def test_next_generation_has_another_name(own_id_desk: Desk) -> None:
    first = own_id_desk.attempt().job_id
    conclude(own_id_desk.store, failed=True)
    assert own_id_desk.attempt().job_id != first


# -- a name of the user's --------------------------------------------------------------------------------------


def test_users_own_name_comes_first(own_id_desk: Desk, order: Any) -> None:
    assert own_id_desk.with_request(order(trans_no="mine")).attempt().job_id == "mine"
    assert own_id_desk.journal == ["look develop", "submitting", "order", "submitted"]
    assert own_id_desk.attempt() == SubmittedJob("mine", NOW, fresh=False)


def test_users_own_name_that_is_taken_stops_the_task_before_it_sends_anything(own_id_desk: Desk, order: Any) -> None:
    own_id_desk.lab.states["mine"] = "succeeded"
    own_id_desk.with_request(order(trans_no="mine"))
    for _ in range(2):
        with pytest.raises(SubmitRejected, match=r"already has a job 'mine'.*nothing was bought.*another id"):
            own_id_desk.attempt()
    assert "order" not in own_id_desk.journal
    assert own_id_desk.store.kept == {}


def test_users_own_name_whose_answer_was_lost_is_settled(own_id_desk: Desk, order: Any) -> None:
    own_id_desk.with_request(order(trans_no="mine")).lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain) as uncertain:
        own_id_desk.attempt()
    assert uncertain.value.retry_helps
    assert own_id_desk.attempt() == SubmittedJob("mine", NOW, fresh=False)
    assert own_id_desk.lab.orders == ["mine"]


def test_users_own_name_of_a_job_that_failed_is_not_submitted_again(own_id_desk: Desk, order: Any) -> None:
    own_id_desk.with_request(order(trans_no="mine")).attempt()
    conclude(own_id_desk.store, failed=True)
    own_id_desk.lab.states["mine"] = "failed"
    with pytest.raises(SubmitRejected, match="already has a job 'mine'"):
        own_id_desk.attempt()


# -- settling --------------------------------------------------------------------------------------------------


def test_lost_answer_is_settled_by_a_status_request_if_the_vendor_has_the_job(own_id_desk: Desk) -> None:
    own_id_desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain, match="The next attempt queries Own id lab for job") as uncertain:
        own_id_desk.attempt()
    assert uncertain.value.job_id is not None
    assert own_id_desk.attempt() == SubmittedJob(uncertain.value.job_id, NOW, fresh=False)
    assert own_id_desk.record.phase is Phase.SUBMITTED
    assert own_id_desk.lab.orders == [uncertain.value.job_id]
    assert own_id_desk.journal.count("order") == 1


def test_lost_request_is_submitted_again_under_its_first_name(own_id_desk: Desk) -> None:
    def lose() -> Any:
        raise SubmitUncertain("the request itself was lost")

    own_id_desk.lab.fate = lose
    with pytest.raises(SubmitUncertain) as uncertain:
        own_id_desk.attempt()
    own_id_desk.lab.fate = dict
    own_id_desk.now += 60
    assert own_id_desk.attempt() == SubmittedJob(str(uncertain.value.job_id), NOW + 60, fresh=True)
    assert own_id_desk.record.generation == 0


@pytest.mark.parametrize("mine", [None, "mine"])
@pytest.mark.parametrize("code", [1, 2, 3, 99])
def test_refusal_of_a_repeated_submit_says_nothing_of_the_first(
    own_id_desk: Desk, order: Any, code: int, mine: str | None
) -> None:
    """The vendor's status may lag behind: the repeat is refused because the first one did arrive."""
    own_id_desk.with_request(order(trans_no=mine)).lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain) as uncertain:
        own_id_desk.attempt()
    taken = own_id_desk.lab.states
    own_id_desk.lab.states, own_id_desk.lab.fate = {}, lambda: {"code": code}
    with pytest.raises(SubmitRejected):
        own_id_desk.attempt()
    own_id_desk.lab.states = taken
    assert own_id_desk.attempt().job_id == uncertain.value.job_id
    assert own_id_desk.lab.orders == [uncertain.value.job_id]


@pytest.mark.parametrize("code", [1, 2, 3, 6, 8])
def test_settling_waits_for_an_answer_before_it_submits(own_id_desk: Desk, code: int) -> None:
    own_id_desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain):
        own_id_desk.attempt()
    own_id_desk.transport.script = lambda _: {"code": code}
    with pytest.raises(VideoAIError):
        own_id_desk.attempt()
    own_id_desk.transport.script = own_id_desk.lab
    assert not own_id_desk.attempt().fresh
    assert own_id_desk.journal.count("order") == 1


# -- crashes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("too_late", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("key", ["lab", "own_id_lab"])
def test_crash_at_any_write_never_buys_twice(open_lab: Any, key: str, fate: str, write: int, too_late: bool) -> None:
    desk = Desk(open_lab(key))
    desk.lab.fate = FATES[fate]
    desk.store.dies_at, desk.store.too_late = write, too_late
    with pytest.raises((CrashError, SubmitUncertain)):
        desk.attempt()
    desk.store.dies_at = None
    desk.lab.fate = dict
    for _ in range(3):
        try:
            desk.attempt()
        except SubmitUncertain:
            assert key == "lab", "a job that we named is settled, not left uncertain"
    assert len(desk.lab.orders) <= 1
    if key == "lab" and fate != "refused":
        assert desk.journal.count("order") <= 1


@pytest.mark.parametrize("key", ["lab", "own_id_lab"])
def test_crash_while_the_request_is_under_way_never_buys_twice(open_lab: Any, key: str) -> None:
    def die() -> Any:
        raise CrashError

    desk = Desk(open_lab(key))
    desk.lab.fate = die
    with pytest.raises(CrashError):
        desk.attempt()
    assert desk.record.phase is Phase.SUBMITTING
    desk.lab.fate = dict
    if key == "lab":
        with pytest.raises(SubmitUncertain):
            desk.attempt()
        assert desk.lab.orders == []
    else:
        named = desk.record.job_id
        assert desk.attempt().job_id == named
        assert len(desk.lab.orders) == 1


def test_crash_after_settling_was_noted_attaches(own_id_desk: Desk) -> None:
    own_id_desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain):
        own_id_desk.attempt()
    own_id_desk.store.dies_at = 1
    with pytest.raises(CrashError):
        own_id_desk.attempt()
    own_id_desk.store.dies_at = None
    assert own_id_desk.attempt().job_id == own_id_desk.lab.orders[0]
    assert len(own_id_desk.lab.orders) == 1


@pytest.mark.parametrize("foreign", [{"written": "by somebody else"}, [], "mine", 7])
def test_foreign_record_stops_the_task_before_it_sends_anything(desk: Desk, foreign: Any) -> None:
    desk.store.kept[STORE_KEY] = foreign
    with pytest.raises(InvalidRequest, match=STORE_KEY):
        desk.attempt()
    assert desk.transport.calls == []


def test_record_of_another_account_is_not_attached_to(desk: Desk, open_lab: Any, scripted: Any) -> None:
    desk.attempt()
    desk.transport = scripted(open_lab(conn_id="another_account"), desk.lab)
    assert desk.attempt().job_id == "job-2"


def test_stored_record_of_an_older_attempt_is_read(desk: Desk) -> None:
    desk.attempt()
    save(desk.store, desk.record.reached(Phase.SUBMITTED, submitted_at=None))
    assert desk.attempt().submitted_at == NOW


def test_job_whose_id_cannot_be_recorded_is_told_with_its_id(desk: Desk) -> None:
    desk.store.refuses = Phase.SUBMITTED
    with pytest.raises(SubmitUncertain, match=r"Job job-1 was bought, but .* Set 'job_id' to 'job-1'") as uncertain:
        desk.attempt()
    assert not uncertain.value.retry_helps
    assert any("job-1" in line for line in desk.log.lines)

    desk.store.refuses = None
    desk.store.kept[STORE_KEY] |= {"job_id": "job-1", "phase": "submitted"}
    assert desk.attempt().job_id == "job-1"
    assert desk.journal.count("order") == 1


def test_job_that_we_named_is_found_again_though_it_could_not_be_recorded(own_id_desk: Desk) -> None:
    own_id_desk.store.refuses = Phase.SUBMITTED
    with pytest.raises(SubmitUncertain, match="The next attempt queries Own id lab for job") as uncertain:
        own_id_desk.attempt()
    assert uncertain.value.retry_helps
    own_id_desk.store.refuses = None
    assert own_id_desk.attempt().job_id == uncertain.value.job_id
    assert own_id_desk.journal.count("order") == 1
