# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from airflow_provider_videoai.jobs.errors import (
    AuthenticationFailed,
    InvalidRequest,
    QuotaExceeded,
)
from airflow_provider_videoai.jobs.protocol.call import Call
from airflow_provider_videoai.vendors.cdnetworks import CDNetworks, RecentSignatures, TrimRequest
from tests.support.cdnetworks_words import ACCESS_KEY, SECRET, TRANS_NO, TRIM, error, ok, pull, trim

NOW = 1_700_000_000
CNC_VECTOR = "3973eabfb3a8356b60d412433ebd8991418eafc28ec1151c195454c14cac784f"
WS3_VECTOR = "1b97bc9fd95870182285900345269264ab80bb542bd2af8ea11901280a5db633"
# -- the requests --------------------------------------------------------------------------------------------


def test_every_trim_field_travels_under_the_vendors_name(vod: CDNetworks, play: Any) -> None:
    request = trim(
        suffix="flv",
        resolution="640x480",
        frame_rate=25,
        video_bit_rate=1250,
        audio_bit_rate=128,
        sampling_rate=44100,
        notify_url="https://hooks.example.com/done",
    )
    exchange = play(ok())
    assert exchange.run(vod.submit(request, TRANS_NO)) == TRANS_NO
    (call,) = exchange.calls
    assert (call.method, call.path, call.buys) == ("POST", "/vod/videoManage/videoClip", True)
    assert call.headers == {"Content-Type": "application/json"}
    assert json.loads(call.body) == {
        "transNo": TRANS_NO,
        "videoId": "DB7830C0",
        "seekStart": 10,
        "duration": 20,
        "filename": "teaser",
        "suffix": "flv",
        "resolution": "640x480",
        "frameRate": 25,
        "videoBitRate": 1250,
        "audioBitRate": 128,
        "samplingRate": 44100,
        "notifyUrl": "https://hooks.example.com/done",
    }


def test_mp4_is_sent_though_it_is_our_default_because_the_vendors_is_flv(vod: CDNetworks, play: Any) -> None:
    exchange = play(ok())
    exchange.run(vod.submit(trim(), TRANS_NO))
    assert json.loads(exchange.calls[0].body) == {
        "transNo": TRANS_NO,
        "videoId": "DB7830C0",
        "seekStart": 10,
        "duration": 20,
        "filename": "teaser",
        "suffix": "mp4",
    }


@pytest.mark.parametrize("md5", [None, "0123456789abcdef0123456789ABCDEF"])
def test_pull_sends_its_file_as_url_safe_base64_of_json(vod: CDNetworks, play: Any, md5: str | None) -> None:
    exchange = play(ok({"taskId": "t-1"}))
    assert exchange.run(vod.submit(pull(md5=md5), TRANS_NO)) == TRANS_NO
    (call,) = exchange.calls
    assert (call.path, call.buys) == ("/vod/videoManage/pullVideo", True)
    body = json.loads(call.body)
    assert set(body) == {"transNo", "fileList"}
    (file,) = json.loads(base64.urlsafe_b64decode(body["fileList"]))
    expected = {"fileName": "ä.mp4", "fetchUrl": "https://files.example.com/a.mp4?sig=1"}
    assert file == (expected | {"md5": md5} if md5 else expected)


def test_pulled_file_list_has_neither_plus_nor_slash(vod: CDNetworks, play: Any) -> None:
    exchange = play(ok())
    exchange.run(vod.submit(pull(filename="???>>>~~~ÿÿÿ.mp4"), TRANS_NO))
    assert set("+/").isdisjoint(json.loads(exchange.calls[0].body)["fileList"])


def test_ws3_sends_a_form(open_account: Any, play: Any) -> None:
    vod = open_account(CDNetworks, auth_scheme="ws3")
    exchange = play(ok())
    exchange.run(vod.submit(trim(filename="a b&c"), TRANS_NO))
    (call,) = exchange.calls
    assert call.headers == {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    sent = parse_qs(call.body.decode(), strict_parsing=True)
    assert (sent["filename"], sent["seekStart"], sent["transNo"]) == (["a b&c"], ["10"], [TRANS_NO])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("video_id", ""),
        ("seek_start", -1),
        ("seek_start", 1.5),
        ("duration", 0),
        ("filename", ""),
        ("filename", "x" * 41),
        ("suffix", "mov"),
        ("resolution", "640*480"),
        ("resolution", "0x480"),
        ("frame_rate", 0),
        ("video_bit_rate", -5),
        ("audio_bit_rate", 0),
        ("sampling_rate", 0),
        ("notify_url", "hooks.example.com"),
        ("trans_no", "x" * 33),
        ("trans_no", "a b"),
        ("end", 30),
    ],
)
def test_broken_trim_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=field):
        trim(**{field: value})


@pytest.mark.parametrize("rate", [8000, 48000])
def test_flv_takes_only_its_own_sampling_rates(rate: int) -> None:
    with pytest.raises(InvalidRequest, match="sampling_rate: an flv"):
        trim(suffix="flv", sampling_rate=rate)
    assert trim(suffix="mp4", sampling_rate=rate).sampling_rate == rate


@pytest.mark.parametrize("rate", [44100, "22050", 11025.0])
def test_flv_sampling_rate_may_be_written_as_text(rate: Any) -> None:
    TrimRequest.check_known(TRIM | {"suffix": "flv", "sampling_rate": rate}, unknown=())


@pytest.mark.parametrize("odd", [[], {}, object(), "x", float("nan"), True])
def test_sampling_rule_survives_any_literal(odd: Any) -> None:
    for rule in TrimRequest.rules:
        assert rule.holds("flv", odd) is False
        assert rule.holds(odd, odd) is True


@pytest.mark.parametrize(
    ("field", "value"),
    [("fetch_url", "/etc/passwd"), ("filename", ""), ("md5", "abc"), ("md5", "g" * 32), ("trans_no", "x" * 33)],
)
def test_broken_pull_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=field):
        pull(**{field: value})


# -- the signature -------------------------------------------------------------------------------------------


def signed_query(vod: CDNetworks, play: Any, sign: Any) -> httpx.Request:
    exchange = play(error(1603))
    exchange.run(vod.statuses("trim", [TRANS_NO]))
    request: httpx.Request = sign(vod, exchange.calls[0])
    return request


def test_cnc_signature_equals_the_known_vector(vod: CDNetworks, play: Any, sign: Any) -> None:
    headers = signed_query(vod, play, sign).headers
    assert headers["x-cnc-accessKey"] == ACCESS_KEY
    assert headers["x-cnc-timestamp"] == "1700000000"
    assert headers["x-cnc-auth-method"] == "AKSK"
    assert headers["Authorization"] == (
        f"CNC-HMAC-SHA256 Credential={ACCESS_KEY}, SignedHeaders=content-type;host, Signature={CNC_VECTOR}"
    )


def test_ws3_signature_equals_the_known_vector(open_account: Any, play: Any, sign: Any) -> None:
    vod = open_account(
        CDNetworks, login=ACCESS_KEY, password=SECRET, auth_scheme="ws3", host="https://api.cloudv.haplat.net"
    )
    headers = signed_query(vod, play, sign).headers
    assert headers["X-WS-AccessKey"] == ACCESS_KEY
    assert headers["X-WS-Timestamp"] == "1700000000"
    assert "x-cnc-auth-method" not in headers
    assert headers["Authorization"] == (
        f"WS3-HMAC-SHA256 Credential={ACCESS_KEY}, SignedHeaders=content-type;host, Signature={WS3_VECTOR}"
    )


@pytest.mark.parametrize(
    ("host", "same"),
    [
        ("https://api.cdnetworks.com:443", True),
        ("https://API.CDNetworks.com", True),
        ("https://api.cdnetworks.com:8443", False),
        ("http://127.0.0.1:8080", False),
    ],
)
def test_signed_host_is_the_one_that_is_sent(open_account: Any, play: Any, sign: Any, host: str, same: bool) -> None:
    vod = open_account(CDNetworks, login=ACCESS_KEY, password=SECRET, host=host)
    request = signed_query(vod, play, sign)
    assert (CNC_VECTOR in request.headers["Authorization"]) is same
    assert request.headers["Host"] == host.split("://")[1].lower().removesuffix(":443")


def timestamps(vod: CDNetworks, sign: Any, bodies: list[bytes]) -> list[int]:
    calls = [Call(name="c", path="/p", headers={"Content-Type": "application/json"}, body=body) for body in bodies]
    return [int(sign(vod, call).headers["x-cnc-timestamp"]) - NOW for call in calls]


def test_no_signature_is_used_twice_and_equal_requests_take_seconds_of_this_process(vod: CDNetworks, sign: Any) -> None:
    assert timestamps(vod, sign, [b"a", b"a", b"b", *[b"a"] * 7]) == [0, -10, 0, -20, -30, -40, -50, -1, 1, -2]


def test_accounts_of_one_process_share_the_memory_but_not_the_signatures(open_account: Any, sign: Any) -> None:
    one, same, other = (open_account(CDNetworks, login="a", password=secret) for secret in ("x", "x", "y"))
    assert timestamps(one, sign, [b"a"]) == [0]
    assert timestamps(same, sign, [b"a"]) == [-10]
    assert timestamps(other, sign, [b"a"]) == [0]


def test_timestamp_never_leaves_the_vendors_window() -> None:
    recent = RecentSignatures()
    steps = [recent.fresh(NOW + 0.9, str)[0] - NOW for _ in range(481)]
    assert sorted(steps) == list(range(-240, 241))
    with pytest.raises(QuotaExceeded, match="not sent"):
        recent.fresh(NOW, str)


def test_old_signatures_are_forgotten() -> None:
    recent = RecentSignatures(offset=(NOW + 601) % 60)
    recent.fresh(NOW, lambda _: "only one")
    with pytest.raises(QuotaExceeded):
        recent.fresh(NOW + 599, lambda _: "only one")
    assert recent.fresh(NOW + 601, lambda _: "only one") == (NOW + 601, "only one")


def test_threads_never_share_a_signature() -> None:
    recent = RecentSignatures()
    made: list[str] = []
    threads = [
        Thread(target=lambda: made.extend(recent.fresh(NOW, str)[1] for _ in range(40)), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(set(made)) == len(made) == 320


@pytest.mark.parametrize("missing", ["login", "password"])
def test_missing_credentials_stop_before_anything_is_sent(open_account: Any, missing: str) -> None:
    with pytest.raises(AuthenticationFailed, match=f"{missing}.*nothing was sent"):
        _ = open_account(CDNetworks, **{missing: ""}).auth


def test_unknown_auth_scheme_stops_before_anything_is_sent(open_account: Any, play: Any) -> None:
    exchange = play()
    with pytest.raises(InvalidRequest, match="extra 'auth_scheme' must be cnc or ws3"):
        exchange.run(open_account(CDNetworks, auth_scheme="v1").submit(trim(), None))
    assert exchange.calls == []
