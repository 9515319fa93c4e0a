# SPDX-License-Identifier: Apache-2.0
"""A refused signature and a clock that is off: the answer's ``Date`` tells."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from airflow_provider_videoai.jobs.errors import AuthenticationFailed
from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH

NOW = 1_700_000_000.0
VENDOR = TencentIVH(Account(conn_id="acme", host="https://example.com", login="key", password="secret"), lambda: NOW)


def refusal(date: str | None) -> AuthenticationFailed:
    answer = Answer(401, {} if date is None else {"date": date}, b"")
    with pytest.raises(AuthenticationFailed) as refused:
        VENDOR.read(Call(name="getprogress", path="/"), answer)
    return refused.value


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(420, "7 min behind"), (-7500, "2 h 5 min ahead of"), (301, "5 min 1 s behind")],
)
def test_a_clock_more_than_five_minutes_off_is_told(ahead: int, told: str) -> None:
    refused = refusal(formatdate(NOW + ahead, usegmt=True))
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
