# SPDX-License-Identifier: Apache-2.0
"""What Airflow could not carry to the triggerer is reported before a job is bought, not after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.triggers.stored_arguments import TriggerArguments, check_arguments
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")


class Text(str):
    """A text that is more than a text: Airflow's messages know no such type."""

    __slots__ = ()


class Lazy:
    """A value that is looked up when it is used."""

    def __str__(self) -> str:
        return "topview_default"


def altered(task: Any, case: Any, **attributes: Any) -> Any:
    """Make a task of an operator whose subclass sets some attributes by itself."""
    altering = task(case)
    operator = altering.make()
    for name, value in attributes.items():
        setattr(operator, name, value)
    altering.make = lambda: operator
    return altering


def assert_nothing_happened(task: Any, case: Any, sandbox: Any) -> None:
    books = sandbox.ledger(case.vendor)
    assert books["submissions"] == books["refused"] == books["polls"] == []
    assert task.store.values == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("poll_interval", np.float64(5)),
        ("poll_interval", np.float32(5)),
        ("poll_interval", float("nan")),
        ("poll_interval", float("inf")),
        ("poll_interval", 2**70),
        ("poll_interval", timedelta(seconds=5)),
        ("conn_id", Text("topview_default")),
        ("conn_id", Lazy()),
        ("conn_id", None),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_carried_is_refused_before_anything_is_sent(
    name: str, value: Any, cases: Any, task: Any, sandbox: Any
) -> None:
    case = cases["topview"]
    wrong = altered(task, case, **{name: value})
    with pytest.raises(
        InvalidRequest, match=rf"{name}: must be (a .*nothing was bought|the id of an Airflow connection)"
    ) as raised:
        wrong.start()
    assert isinstance(raised.value, AirflowFailException), "a retry would meet the same value"
    assert_nothing_happened(wrong, case, sandbox)


def test_every_operator_proves_its_deferral_before_it_buys(case: Any, task: Any, sandbox: Any) -> None:
    wrong = altered(task, case, poll_interval=np.float64(5))
    with pytest.raises(InvalidRequest, match="poll_interval"):
        wrong.start()
    assert_nothing_happened(wrong, case, sandbox)


@pytest.mark.parametrize("how", [{"deferrable": False}, {"wait_for_completion": False}], ids=str)
def test_a_connection_id_that_is_no_text_is_refused_even_if_nothing_is_deferred(
    how: dict[str, Any], cases: Any, task: Any, sandbox: Any
) -> None:
    case = cases["topview"]
    wrong = altered(task, case, conn_id=Lazy(), **how)
    with pytest.raises(InvalidRequest, match="topview_conn_id: must be the id of an Airflow connection"):
        wrong.start()
    assert_nothing_happened(wrong, case, sandbox)


@pytest.mark.parametrize("name", ["job_timeout", "quota_timeout", "poll_interval"])
@pytest.mark.parametrize("value", [timedelta.max, 1e300, float("inf")], ids=["timedelta.max", "1e300", "inf"])
def test_a_time_beyond_airflows_calendar_is_refused_when_the_dag_is_parsed(
    name: str, value: Any, cases: Any, task: Any
) -> None:
    with pytest.raises(
        InvalidRequest, match=f"{name}: must be a timedelta or a number of seconds .* at most 3650 days"
    ):
        task(cases["topview"], **{name: value}).make()


@pytest.mark.parametrize("interval", [np.float64(5), 5])
def test_a_number_that_can_be_made_plain_is_made_plain(interval: Any, cases: Any, task: Any) -> None:
    trigger = task(cases["topview"], poll_interval=interval, finish_in_triggerer=np.True_).defer().trigger
    assert type(trigger.arguments.poll_interval) is float
    assert trigger.arguments.finish is True


def test_what_every_airflow_can_write_passes() -> None:
    numbers: dict[str, Any] = {"submitted_at": 1.5, "deadline": -(2**63), "timeout": 2**63 - 1, "poll_interval": None}
    check_arguments(TriggerArguments(vendor="topview", operation="video_avatar", conn_id="x", finish=True, **numbers))
