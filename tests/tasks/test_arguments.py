# SPDX-License-Identifier: Apache-2.0
"""The arguments that operators and sensors have in common follow the same rules on both."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.jobs.errors import InvalidRequest
from airflow_provider_videoai.tasks.arguments import choice, connection_id, flag, seconds
from tests.support.fuzzing import json_values, outcome


@pytest.mark.parametrize("value", [5, 5.0, "5", " 5.0 ", timedelta(seconds=5), np.float64(5)])
def test_a_duration_is_a_timedelta_or_seconds(value: Any) -> None:
    assert seconds("poll_interval", value) == 5.0
    assert type(seconds("poll_interval", value)) is float


@pytest.mark.parametrize(
    "value",
    [0, -1, True, None, "soon", "", "nan", math.nan, math.inf, 1e300, 10**5000, timedelta.max, timedelta(0), [5], {}],
    ids=lambda value: type(value).__name__,
)
def test_any_other_duration_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^poll_interval: must be a timedelta or a number of seconds .* not "):
        seconds("poll_interval", value)


@pytest.mark.parametrize(
    ("value", "meant"),
    [(True, True), (False, False), ("True", True), ("false", False), (" FALSE ", False), (np.True_, True)],
)
def test_a_flag_is_a_bool_or_its_text(value: Any, meant: bool) -> None:
    assert flag("deferrable", value) is meant


@pytest.mark.parametrize("value", ["no", "", "0", 0, 1, None, [], "{{ params.x }}"])
def test_any_other_flag_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^deferrable: must be True or False, not "):
        flag("deferrable", value)


def test_what_is_not_templated_is_said_to_be_not_templated() -> None:
    source = EmptyOperator(task_id="source")
    given_values: list[Any] = ["{{ params.x }}", source.output]
    for value in given_values:
        for read in (seconds, flag, lambda name, given: choice(name, given, ("fail",))):
            with pytest.raises(InvalidRequest, match=r"x: .*: this argument is not templated$"):
                read("x", value)


@pytest.mark.parametrize("value", [None, "", "  ", 7, {}, "None", "a b", "a\n", " a", "a\u202e", "x" * 251])
def test_a_connection_without_an_id_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"^viitor_conn_id: must be the id of an Airflow connection"):
        connection_id("viitor_conn_id", value)


@given(json_values("true", "fail", 5) | st.binary() | st.timedeltas())
def test_whatever_is_given_is_read_or_refused_as_an_invalid_request(value: Any) -> None:
    for result in (
        outcome(lambda: seconds("x", value)),
        outcome(lambda: flag("x", value)),
        outcome(lambda: choice("x", value, ("fail",))),
        outcome(lambda: connection_id("x", value)),
    ):
        assert isinstance(result, float | bool | str | InvalidRequest)


SAME: list[tuple[dict[str, Any], str]] = [
    ({"poll_interval": 0}, "poll_interval: must be"),
    ({"poll_interval": "often"}, "poll_interval: must be"),
    ({"deferrable": "no"}, "deferrable: must be True or False"),
    ({"finish_in_triggerer": None}, "finish_in_triggerer: must be True or False"),
    ({"topview_conn_id": None}, "topview_conn_id: must be the id"),
]


@pytest.mark.parametrize(("arguments", "said"), SAME)
def test_operator_and_sensor_refuse_alike(
    arguments: dict[str, Any], said: str, cases: Any, task: Any, sensor: Any
) -> None:
    for made in (task(cases["topview"], **arguments), sensor(cases["topview"], "a1", **arguments)):
        with pytest.raises(InvalidRequest, match=said):
            made.make()


@pytest.mark.parametrize("interval", [timedelta(seconds=7), "7", 7])
def test_operator_and_sensor_take_alike(interval: Any, cases: Any, task: Any, sensor: Any) -> None:
    for made in (
        task(cases["topview"], poll_interval=interval),
        sensor(cases["topview"], "a1", poll_interval=interval),
    ):
        assert made.make().poll_interval == 7.0
        assert made.defer().trigger.arguments.poll_interval == 7.0


@pytest.mark.parametrize("text", ["False", "false"])
def test_a_flag_that_came_as_text_means_what_it_says(text: str, cases: Any, task: Any, sensor: Any) -> None:
    for made in (task(cases["topview"], deferrable=text), sensor(cases["topview"], "a1", deferrable=text)):
        assert made.make().deferrable is False
    assert not getattr(sensor(cases["topview"], "a1", deferrable=text).make(), "start_from_trigger", False)
