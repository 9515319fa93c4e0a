# SPDX-License-Identifier: Apache-2.0
"""Whatever JSON a vendor sends, at any place of a real answer: Airflow can carry what becomes of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from airflow.triggers.base import TaskSuccessEvent
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_videoai.hooks.job import VideoJobHook
from airflow_provider_videoai.jobs.errors import ResultUnavailable, VideoAIError
from airflow_provider_videoai.jobs.model import JobResult, JobState, JobStatus
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow
from airflow_provider_videoai.jobs.values.printable import is_printable
from airflow_provider_videoai.tasks.task_jobs import returned
from airflow_provider_videoai.tasks.xcom import obstacle_to
from airflow_provider_videoai.triggers.job import VideoJobTrigger
from tests.hostile.deeds import Send
from tests.hostile.gateway import Case as Gate
from tests.hostile.gateway import Stage, gateway
from tests.support.airflow_encoder import carry_event, carry_xcom
from tests.support.fuzzing import fuzz, outcome
from tests.support.json_text import JSON_TEXTS, ODD

pytestmark = pytest.mark.usefixtures("prompt")

T = TypeVar("T")
MARK = "@spoilt@"


def play(flow: Flow[T], answer: Callable[[Call], Answer]) -> T:
    """Play a flow to its end; an error of an answer goes into it, as a transport's does."""
    try:
        call = next(flow)
        while True:
            call = flow.send(answer(call))
    except StopIteration as end:
        value: T = end.value
        return value


class Recorder:
    """The answers of a real exchange, by the call's name; plays them again with one value spoilt."""

    def __init__(self, hook: VideoJobHook) -> None:
        self._hook = hook
        self._answers: dict[str, Answer] = {}

    def record(self, call: Call) -> Answer:
        return self._answers.setdefault(call.name, self._hook.transport._send(call))

    def spoilt(self, place: int, literal: str) -> Callable[[Call], Answer]:
        return lambda call: spoilt(self._answers[call.name], place, literal)


def spoilt(answer: Answer, place: int, literal: str) -> Answer:
    """Put a JSON literal in the place of one value of an answer, or beside it."""
    body = json.loads(answer.body)
    holders = [(holder, key) for holder in objects(body) for key in [*holder, "odd"]]
    holder, key = holders[place % len(holders)]
    holder[key] = MARK
    return Answer(answer.status, answer.headers, json.dumps(body).replace(json.dumps(MARK), literal).encode())


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inside)


def assert_typed_and_printable(seen: Any) -> None:
    if isinstance(seen, VideoAIError):
        assert is_printable(seen.message)
        assert is_printable(seen.code or "")


def test_any_value_at_any_place_of_an_answer_can_be_carried(case: Any, sandbox: Any, settled: Any) -> None:
    hook = case.hook(case.conn_id)
    vendor, operation = hook.transport.vendor, case.operation
    recorder = Recorder(hook)
    request = vendor.require(operation).parse(case.request(sandbox))
    job_id = play(vendor.buy(request, None), recorder.record)
    settled(case)
    whole = play(vendor.statuses(operation, [job_id]), recorder.record)[job_id]
    play(hook.completed(vendor, whole, operation), recorder.record)

    @fuzz
    @given(place=st.integers(0, 200), literal=JSON_TEXTS)
    def any_value(place: int, literal: str) -> None:
        answer = recorder.spoilt(place, literal)
        bought = outcome(lambda: play(vendor.buy(request, None), answer))
        assert_typed_and_printable(bought)
        if isinstance(bought, str):
            assert carry_xcom(bought) == bought
        seen = outcome(lambda: play(vendor.statuses(operation, [job_id]), answer))
        assert_typed_and_printable(seen)
        for status in seen.values() if isinstance(seen, dict) else ():
            assert is_printable(status.describe())
            assert JobStatus.from_json(carry_xcom(status.to_json())) == status
            result = outcome(partial(play, hook.completed(vendor, status, operation), answer))
            assert_typed_and_printable(result)
            if isinstance(result, JobResult):
                assert is_printable(result.describe())
                carry_event(TaskSuccessEvent(xcoms=dict(enumerate_keys(returned([result])))))

    any_value()


def enumerate_keys(values: list[Any]) -> Iterator[tuple[str, Any]]:
    for number, value in enumerate(values):
        yield f"value_{number}", value


@pytest.fixture
def gate(sandbox: Any, connect: Any, cases: Any) -> Iterator[Callable[..., tuple[Any, str]]]:
    """Let a server in front of the sandbox spoil a stage of a case's answers; returns the case and the connection."""
    gates = {name: Gate(name, case.vendor, Stage.POLL, "", _nothing) for name, case in cases.items()}
    with gateway(sandbox.url, list(gates.values())):

        def spoil(name: str, stage: Stage, literal: str) -> tuple[Any, str]:
            gates[name].stage, gates[name].deed = stage, partial(_send_spoilt, literal)
            where = {"host": f"http://127.0.0.1:{gates[name].port}", "port": None}
            return cases[name], connect(cases[name].vendor, **where, extra={"outage_tolerance": 0.2})

        yield spoil


async def _nothing(_send: Send, _body: bytes) -> None:
    raise AssertionError("no deed was chosen")


async def _send_spoilt(literal: str, send: Send, body: bytes) -> None:
    value = json.loads(body)
    for holder in list(objects(value)):
        holder["odd"] = MARK
    text = json.dumps(value).replace(json.dumps(MARK), literal)
    if literal.startswith('"') and len(literal) < 100:
        text = text.replace('.mp4"', f'.mp4{literal[1:-1]}"')
    spoilt = text.encode()
    await send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(spoilt), spoilt))


@pytest.mark.parametrize("stage", [Stage.POLL, Stage.RESULT])
@pytest.mark.parametrize(("number", "literal"), list(enumerate(ODD)), ids=lambda value: str(value)[:24])
def test_trigger_yields_only_what_airflow_can_carry(
    number: int, literal: str, stage: Stage, gate: Any, cases: Any, submitted: Any
) -> None:
    name = list(cases)[number % len(cases)]
    case, conn_id = gate(name, stage, literal)
    job_id = submitted(case)
    trigger = VideoJobTrigger(
        case.vendor, case.operation, conn_id, job_id, deadline=time.time() + 5, finish=bool(number % 2)
    )
    (event,) = asyncio.run(_events(trigger))
    carried = carry_event(event)
    if isinstance(event, TaskSuccessEvent):
        assert carried["return_value"]["state"] == JobState.SUCCEEDED
    else:
        assert carried["outcome"] == "ended"


async def _events(trigger: VideoJobTrigger) -> list[Any]:
    return [event async for event in trigger.run()]


# -- the proof itself ------------------------------------------------------------------------------------------------

UNCARRIABLE = [
    "\ud83d",
    "a\x00",
    float("nan"),
    float("inf"),
    2**64,
    -(2**63) - 1,
    {"__classname__": "x"},
    pytest.param(object(), id="object"),
]


@pytest.mark.parametrize("value", UNCARRIABLE, ids=ascii)
@pytest.mark.parametrize("within", [lambda value: value, lambda value: {"details": [value]}], ids=["bare", "within"])
def test_what_airflow_cannot_carry_is_found_out_before(value: Any, within: Callable[[Any], Any]) -> None:
    assert isinstance(obstacle_to(within(value)), Exception)


def test_what_is_nested_deeper_than_airflow_writes_is_found_out_before() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert isinstance(obstacle_to(deep), Exception)


@pytest.mark.parametrize("value", ["\U0001f600", 2**64 - 1, -(2**63), {"a": [1.5, True, "\x1b"]}], ids=ascii)
def test_what_airflow_can_carry_meets_no_obstacle(value: Any) -> None:
    assert obstacle_to(value) is None
    assert carry_xcom(value) == value


def test_result_that_cannot_be_carried_is_a_typed_error_that_says_how_to_get_it() -> None:
    result = JobResult(vendor="v", operation="o", job_id="j1", state=JobState.SUCCEEDED, details={"odd": "\ud83d"})
    with pytest.raises(ResultUnavailable, match=r"paid for, but Airflow cannot carry its result .* job j1") as raised:
        returned([result])
    assert raised.value.job_id == "j1"
