# SPDX-License-Identifier: Apache-2.0
"""Lost answers and dead workers: no job is bought twice unless the user says so."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import (
    QuotaExceeded,
    SubmitUncertain,
    VideoAIError,
)
from airflow_provider_videoai.jobs.submission import (
    STORE_KEY,
    Phase,
    conclude,
    derived_job_id,
    save,
)
from airflow_provider_videoai.jobs.submitter import SubmittedJob
from tests.jobs.desk import FATES, IDENTITY, CrashError, Desk
from tests.jobs.lab import NOW

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
    assert "Sent to Lab at 2023-11-14T22:13:20+00:00" in said
    for step in ("'job_id'", "'phase'", "'submitted'", STORE_KEY, "on_uncertain_submit='resubmit'", "delete"):
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
    desk.store.delete(STORE_KEY)
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
    assert "A submit is under way" in said
    assert "may have been bought. Sent to Lab at 2023-11-14T22:13:20+00:00." in said
    assert "not submitted again by itself" in said
    with pytest.raises(SubmitUncertain):
        desk.attempt()


def test_stop_amid_a_submit_says_what_the_user_chose(desk: Desk, told_amid_the_submit: Any) -> None:
    assert "may pay twice" in told_amid_the_submit(desk, on_uncertain_submit="resubmit")


def test_stop_amid_a_submit_names_the_job_that_is_asked_for(own_id_desk: Desk, told_amid_the_submit: Any) -> None:
    said = told_amid_the_submit(own_id_desk)
    assert f"The next attempt asks Own id lab for job {own_id_desk.record.job_id}" in said


def test_without_a_lasting_record_no_help_is_promised_from_it(
    desk: Desk, own_id_desk: Desk, told_amid_the_submit: Any
) -> None:
    for each in (desk, own_id_desk):
        each.store.lasting = False
    assert told_amid_the_submit(desk).endswith(
        "keeps no record of it: another attempt submits again, and may pay twice."
    )
    assert told_amid_the_submit(own_id_desk).endswith("another attempt submits again, under the same id.")


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


def test_job_is_named_after_its_task(own_id_desk: Desk) -> None:
    assert own_id_desk.attempt().job_id == derived_job_id(IDENTITY, own_id_desk.record.fingerprint, 0)


def test_next_generation_has_another_name(own_id_desk: Desk) -> None:
    first = own_id_desk.attempt().job_id
    conclude(own_id_desk.store, failed=True)
    assert own_id_desk.attempt().job_id == derived_job_id(IDENTITY, own_id_desk.record.fingerprint, 1) != first


def test_refused_job_keeps_its_name_for_the_next_attempt(own_id_desk: Desk) -> None:
    """Had the vendor taken it in spite of its answer, the same name cannot be bought a second time."""
    own_id_desk.lab.fate = lambda: {"code": 2}
    with pytest.raises(QuotaExceeded):
        own_id_desk.attempt()
    assert own_id_desk.record.job_id is None
    own_id_desk.lab.fate = dict
    assert own_id_desk.attempt().job_id == derived_job_id(IDENTITY, own_id_desk.record.fingerprint, 0)


def test_users_own_name_comes_first(own_id_desk: Desk, order: Any) -> None:
    assert own_id_desk.with_request(order(trans_no="mine")).attempt().job_id == "mine"


def test_task_without_an_identity_has_a_name_of_its_own_each_time(own_id_desk: Desk) -> None:
    first = own_id_desk.attempt(identity=()).job_id
    own_id_desk.store.kept.clear()
    second = own_id_desk.attempt(identity=()).job_id
    assert first != second


def test_lost_answer_is_settled_by_asking_where_the_vendor_has_the_job(own_id_desk: Desk) -> None:
    own_id_desk.lab.fate = lambda: {"lost": True}
    with pytest.raises(SubmitUncertain, match="The next attempt asks Own id lab for job") as uncertain:
        own_id_desk.attempt()
    assert uncertain.value.job_id == derived_job_id(IDENTITY, own_id_desk.record.fingerprint, 0)
    assert own_id_desk.attempt() == SubmittedJob(
        derived_job_id(IDENTITY, own_id_desk.record.fingerprint, 0), NOW, fresh=False
    )
    assert own_id_desk.record.phase is Phase.SUBMITTED
    assert len(own_id_desk.lab.orders) == 1
    assert own_id_desk.journal.count("order") == 1


def test_lost_request_is_submitted_again_under_its_first_name(own_id_desk: Desk) -> None:
    def lose() -> Any:
        raise SubmitUncertain("the request itself was lost")

    own_id_desk.lab.fate = lose
    with pytest.raises(SubmitUncertain):
        own_id_desk.attempt()
    own_id_desk.lab.fate = dict
    own_id_desk.now += 60
    assert own_id_desk.attempt() == SubmittedJob(
        derived_job_id(IDENTITY, own_id_desk.record.fingerprint, 0), NOW + 60, fresh=True
    )
    assert own_id_desk.record.generation == 0


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
        assert desk.attempt().job_id == derived_job_id(IDENTITY, desk.record.fingerprint, 0)
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


def test_foreign_record_stops_the_task_before_it_sends_anything(desk: Desk) -> None:
    desk.store.kept[STORE_KEY] = {"written": "by somebody else"}
    with pytest.raises(ValueError, match="not a submission record"):
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
    with pytest.raises(SubmitUncertain, match="The next attempt asks for it") as uncertain:
        own_id_desk.attempt()
    assert uncertain.value.retry_helps
    own_id_desk.store.refuses = None
    assert own_id_desk.attempt().job_id == uncertain.value.job_id
    assert own_id_desk.journal.count("order") == 1
