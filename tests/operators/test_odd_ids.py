# SPDX-License-Identifier: Apache-2.0
"""A vendor accepts a job and names it by what nobody can keep: the task stops, shows the id, and buys no other."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import SubmitUncertain
from airflow_provider_videoai.jobs.values.printable import is_printable
from tests.hostile.deeds import Send, with_odd_id
from tests.hostile.gateway import Case as Gate
from tests.hostile.gateway import Stage, gateway
from tests.support.which_airflow import AirflowFailException

pytestmark = pytest.mark.usefixtures("prompt")


async def send_odd_id(literal: str, send: Send, body: bytes) -> None:
    changed = with_odd_id(literal, body)
    await send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(changed), changed))


@pytest.mark.parametrize(
    ("literal", "shown"),
    [
        (r'"a\u0000b"', r"'a\x00b'"),
        (r'"\ud83d"', r"'\ud83d'"),
        (r'"\u001b[2Jgone\r\nforged"', r"'\x1b[2Jgone\r\nforged'"),
        (r'"\u202eevil"', r"'\u202eevil'"),
        (f'"{"x" * 3_000_000}"', "more..."),
    ],
    ids=["nul", "surrogate", "escape", "bidi", "long"],
)
@pytest.mark.parametrize("name", ["topview", "aidge", "tencent_tts"])
def test_job_bought_under_an_odd_id_is_shown_and_not_bought_again(
    name: str, literal: str, shown: str, cases: Any, task: Any, connect: Any, bought: Any, sandbox: Any
) -> None:
    case = cases[name]
    gate = Gate(name, case.vendor, Stage.SUBMIT, "", partial(send_odd_id, literal))
    with gateway(sandbox.url, [gate]):
        conn_id = connect(case.vendor, host=f"http://127.0.0.1:{gate.port}", port=None)
        stopped = task(case, **{case.conn_argument: conn_id})
        with pytest.raises(SubmitUncertain, match=r"it was bought.* set 'job_id' to its id") as first:
            stopped.start()
        with pytest.raises(SubmitUncertain, match="not submitted again by itself"):
            stopped.start()
    assert isinstance(first.value, AirflowFailException)
    assert shown in first.value.message
    assert is_printable(first.value.message)
    assert len(bought(case)) == 1
