# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.jobs.protocol.account import Account
from airflow_provider_videoai.jobs.protocol.call import Answer, Call, Flow, json_body
from airflow_provider_videoai.jobs.protocol.vendor import Vendor
from airflow_provider_videoai.vendors.aidge import Aidge
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks, RecentSignatures, signing
from airflow_provider_videoai.vendors.tencent_ivh import TencentIVH
from tests.support import aidge_words, cdnetworks_words, tencent_words

NOW = 1_700_000_000.0


@dataclass
class Exchange:
    """Plays a flow against prepared answers and keeps the calls it made."""

    answers: list[Answer | Exception]
    calls: list[Call] = field(default_factory=list)

    def run(self, flow: Flow[Any]) -> Any:
        try:
            call = next(flow)
            while True:
                self.calls.append(call)
                answer = self.answers.pop(0)
                call = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
        except StopIteration as end:
            assert not self.answers, "the flow ended before it had used every prepared answer"
            return end.value


@pytest.fixture
def play() -> Callable[..., Exchange]:
    """Prepare answers: a JSON value (HTTP 200), a pair (status, JSON value or bytes), or an exception."""

    def prepare(*answers: Any) -> Exchange:
        return Exchange([_answer(answer) for answer in answers])

    return prepare


def _answer(prepared: Any) -> Answer | Exception:
    if isinstance(prepared, (Answer, Exception)):
        return prepared
    status, body = prepared if isinstance(prepared, tuple) else (200, prepared)
    return Answer(status, {}, body if isinstance(body, bytes) else json_body(body))


@pytest.fixture
def open_account() -> Callable[..., Any]:
    """Make a vendor for an account; keywords are login, password, host and the options."""

    def make(vendor: type[Vendor], *, login: str = "12345", password: str = "test-secret", **options: Any) -> Vendor:
        host = options.pop("host", vendor.default_host)
        given = vendor.options.read(options, "connection 'test_conn'")
        account = Account(conn_id="test_conn", host=host, login=login, password=password, options=given)
        return vendor(account, lambda: NOW)

    return make


@pytest.fixture
def aidge(open_account: Callable[..., Aidge]) -> Aidge:
    return open_account(Aidge, login="512345", password=aidge_words.SECRET)


@pytest.fixture(autouse=True)
def _no_signature_was_used_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_RECENT", RecentSignatures(offset=int(NOW) % 60))


@pytest.fixture
def vod(open_account: Callable[..., CDNetworks]) -> CDNetworks:
    return open_account(CDNetworks, login=cdnetworks_words.ACCESS_KEY, password=cdnetworks_words.SECRET)


@pytest.fixture
def tencent(open_account: Callable[..., TencentIVH]) -> TencentIVH:
    return open_account(TencentIVH, login="appkey-1", password=tencent_words.SECRET)


@pytest.fixture
def sign() -> Callable[..., httpx.Request]:
    """Build the request of a call as the transport does, and sign it."""

    def signed(vendor: Vendor, call: Call) -> httpx.Request:
        url = httpx.URL(vendor.account.host + call.path, params=dict(call.params) or None)
        request = httpx.Request(call.method, url, headers=dict(call.headers), content=call.body)
        return next(vendor.auth.sync_auth_flow(request))

    return signed
