# SPDX-License-Identifier: Apache-2.0
"""A refused signature and a clock that is off: the answer's ``Date`` tells."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest

from airflow_provider_videoai.jobs.errors import AuthenticationFailed, VideoAIError
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH

NOW = 1_700_000_000.0
VENDOR = TencentIVH(Account(conn_id="acme", host="https://example.com", login="key", password="secret"), lambda: NOW)


def refusal(date: str | None, status: int = 401, body: bytes = b"", *, buys: bool = False) -> VideoAIError:
    answer = Answer(status, {} if date is None else {"date": date}, body)
    with pytest.raises(VideoAIError) as refused:
        VENDOR.read(Call(name="getprogress", path="/", buys=buys), answer)
    return refused.value


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(420, "7 min behind"), (-7500, "2 h 5 min ahead of"), (301, "5 min 1 s behind")],
)
def test_a_clock_more_than_five_minutes_off_is_told(ahead: int, told: str) -> None:
    refused = refusal(formatdate(NOW + ahead, usegmt=True))
    assert isinstance(refused, AuthenticationFailed)
    assert refused.message.endswith(f"This machine's clock is {told} the vendor's: set it right.")
    assert refused.code == "401"


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        formatdate(NOW, usegmt=True),
        formatdate(NOW + 300, usegmt=True),
        formatdate(NOW).replace("+0000", "-0000"),
        "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
        "Tue, 14 Nov 2023 22:14:20 +" + "9" * 5000,
        "\udc80",
    ],
)
def test_a_clock_that_is_right_or_unknown_is_not_blamed(date: str | None) -> None:
    assert "clock" not in refusal(date).message


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [(200, 424242, True), (400, 424242, True), (200, 110006, False), (200, 100008, False), (502, None, False)],
)
@pytest.mark.parametrize("buys", [True, False])
def test_a_clock_that_is_off_is_told_beside_a_code_that_no_list_explains(
    status: int, code: int | None, *, told: bool, buys: bool
) -> None:
    body = b"" if code is None else json.dumps({"Header": {"Code": code}}).encode()
    refused = refusal(formatdate(NOW + 420, usegmt=True), status, body, buys=buys)
    assert ("This machine's clock is 7 min behind the vendor's: set it right." in refused.message) is told
