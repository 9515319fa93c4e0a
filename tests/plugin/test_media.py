# SPDX-License-Identifier: Apache-2.0
"""Where media is now: polled for, seldom, with no one's connection but the account's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_videoai.jobs.job_reference import JobReference
from airflow_provider_videoai.plugin import subtitles
from airflow_provider_videoai.plugin.media import KEEP, KEEP_REFUSED, LEAST_INTERVAL, MediaUnavailable, MediaUrls
from airflow_provider_videoai.plugin.vendor_calls import Busy, Unavailable
from airflow_provider_videoai.plugin.view import Media

OLD = "https://media.example/old.mp4"


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def media_urls(clock: Clock) -> MediaUrls:
    return MediaUrls(clock)


@pytest.fixture
def done(sandbox: Any, settled: Callable[..., None]) -> Callable[..., JobReference]:
    """Have jobs of a case end at the vendor and return their reference."""

    def done(case: Any, count: int = 1) -> JobReference:
        hook = case.hook(case.conn_id)
        job_ids = [hook.submit(case.request(sandbox), case.operation) for _ in range(count)]
        settled(case)
        sandbox.clear_ledger()
        return JobReference(
            vendor=case.vendor,
            operation=case.operation,
            polled_as=case.operation,
            conn_id=case.conn_id,
            job_ids=tuple(job_ids),
        )

    return done


def address(media_urls: MediaUrls, *arguments: Any, **options: Any) -> str:
    return asyncio.run(media_urls.address(*arguments, **options))


def polls(sandbox: Any, vendor: str) -> int:
    return len(sandbox.ledger(vendor)["polls"])


@pytest.mark.usefixtures("prompt")
def test_an_old_url_is_queried_again_at_every_vendor_and_buys_nothing(
    case: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(case)
    url = address(media_urls, reference, reference.job_ids[0], Media(OLD, None, clock.now - KEEP))
    assert url.startswith(sandbox.url)
    books = sandbox.ledger(case.vendor)
    assert (books["submissions"], books["charges"]) == ([], [])


def test_a_new_url_is_used_without_a_poll(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["topview"])
    assert address(media_urls, reference, reference.job_ids[0], Media(OLD, None, clock.now - KEEP + 1)) == OLD
    assert polls(sandbox, "topview") == 0


def test_another_output_is_led_to_by_its_number_like_the_first(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["tencent_video"])
    (job_id,) = reference.job_ids
    fresh = Media(OLD, None, clock.now, (OLD, "https://media.example/old.srt"))
    assert address(media_urls, reference, job_id, fresh, output=1) == "https://media.example/old.srt"
    assert polls(sandbox, "tencent_ivh") == 0
    polled = [address(media_urls, reference, job_id, fresh, output=number, refused=True) for number in (0, 1)]
    assert polled[0] == address(media_urls, reference, job_id, fresh, refused=True)
    assert [url.startswith(sandbox.url) for url in polled] == [True, True]
    assert polled[0] != polled[1]
    assert polls(sandbox, "tencent_ivh") == 1
    with pytest.raises(MediaUnavailable, match="no such output") as missing:
        address(media_urls, reference, job_id, fresh, output=2)
    assert missing.value.status == 404


def test_a_refused_url_is_queried_again_at_once(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["topview"])
    assert address(media_urls, reference, reference.job_ids[0], Media(OLD, None, clock.now), refused=True) != OLD
    assert polls(sandbox, "topview") == 1


def test_an_answer_is_kept_and_then_queried_again(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["viitor"])
    stored = Media(None, None, None)
    for passed, times in ((0, 1), (KEEP - 1, 1), (1, 2)):
        clock.now += passed
        address(media_urls, reference, reference.job_ids[0], stored)
        assert polls(sandbox, "viitor") == times


def test_the_first_refusal_causes_a_query_however_new_the_refused_url_is(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["topview"])
    (job_id,) = reference.job_ids
    polled = address(media_urls, reference, job_id, Media(OLD, None, None))
    clock.now += LEAST_INTERVAL  # of the account
    renewed = address(media_urls, reference, job_id, Media(OLD, None, None), refused=True)
    assert renewed != polled, "the URL that was refused is not given again"
    assert polls(sandbox, "topview") == 2
    # Another tab has the URL from before, and a player that is opened now has none: both get the new one.
    assert address(media_urls, reference, job_id, Media(OLD, None, None), refused=True) == renewed
    assert address(media_urls, reference, job_id, Media(OLD, None, clock.now - 1)) == renewed
    assert polls(sandbox, "topview") == 2


@pytest.mark.parametrize("way", ["refused", "away"])
def test_browsers_that_are_refused_over_and_over_do_not_reach_the_vendor_each_time(
    way: str, cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["viitor"])
    if way == "away":
        sandbox.fault(vendor="viitor", call="query", kind="auth_failed", times=100)
    made: list[tuple[float, int]] = []
    for _ in range(30):  # one a second, from several tabs at once
        for _ in range(3):
            with contextlib.suppress(Unavailable):
                address(media_urls, reference, reference.job_ids[0], Media(OLD, None, clock.now), refused=True)
        made.append((clock.now, polls(sandbox, "viitor")))
        clock.now += 1
    begun = [at for (at, count), (_, before) in zip(made[1:], made, strict=False) if count > before]
    assert made[0][1] > 0
    assert begun == [made[0][0] + KEEP_REFUSED]


def test_while_the_vendor_is_away_a_refusal_says_why_and_then_when_to_try_again(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["topview"])
    (job_id,) = reference.job_ids
    fresh = Media(OLD, None, clock.now)
    sandbox.fault(vendor="topview", call="query", kind="auth_failed", times=1)
    with pytest.raises(MediaUnavailable, match="Topview gives no address") as failed:
        address(media_urls, reference, job_id, fresh, refused=True)
    assert failed.value.status == 502
    clock.now += 5
    with pytest.raises(Busy, match="queried for another address") as early:
        address(media_urls, reference, job_id, fresh, refused=True)
    assert early.value.retry_after == KEEP_REFUSED - 5
    clock.now += early.value.retry_after
    assert address(media_urls, reference, job_id, fresh, refused=True) != OLD


def test_a_refusal_keeps_to_the_accounts_rate_limit_and_is_not_counted_before_its_query(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["topview"])
    (job_id,) = reference.job_ids
    polled = address(media_urls, reference, job_id, Media(None, None, None))
    with pytest.raises(Busy, match="polled just now") as busy:
        address(media_urls, reference, job_id, Media(None, None, None), refused=True)
    clock.now += busy.value.retry_after or 0
    assert address(media_urls, reference, job_id, Media(None, None, None), refused=True) != polled
    assert polls(sandbox, "topview") == 2


def test_players_that_are_refused_at_the_same_time_share_one_query(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock, sandbox: Any
) -> None:
    reference = done(cases["topview"])

    async def refused() -> list[str]:
        stored = Media(OLD, None, clock.now)
        calls = (media_urls.address(reference, reference.job_ids[0], stored, refused=True) for _ in range(5))
        return await asyncio.gather(*calls)

    assert len(set(asyncio.run(refused()))) == 1
    assert polls(sandbox, "topview") == 1


def test_media_that_the_vendor_no_longer_has_is_gone_for_good(
    cases: Any, done: Any, media_urls: MediaUrls, clock: Clock
) -> None:
    reference = done(cases["topview"])
    with pytest.raises(MediaUnavailable, match="Topview gives no address") as gone:
        address(media_urls, reference, "unknown-to-the-vendor", Media(OLD, None, clock.now), refused=True)
    assert gone.value.status == 410


@pytest.mark.parametrize(("per_minute", "allowed"), [(6, 2), (30, 10)])
def test_the_page_uses_a_share_of_an_accounts_rate_limit(
    per_minute: int,
    allowed: int,
    cases: Any,
    done: Any,
    media_urls: MediaUrls,
    clock: Clock,
    sandbox: Any,
    connect: Any,
) -> None:
    case = cases["viitor"]
    jobs = done(case, 20)
    reference = jobs.model_copy(update={"conn_id": connect("viitor", extra={"max_requests_per_minute": per_minute})})
    for job_id in [job_id for job_id in reference.job_ids for _ in range(3)]:  # one a second, a minute long
        address(media_urls, reference, job_id, Media(OLD, None, None))
        clock.now += 1
    assert polls(sandbox, "viitor") == allowed


def test_if_the_account_was_polled_just_now_an_old_url_is_better_than_none(
    cases: Any, done: Any, media_urls: MediaUrls
) -> None:
    reference = done(cases["viitor"], 2)
    first, second = reference.job_ids
    assert address(media_urls, reference, first, Media(OLD, None, None)) != OLD
    assert address(media_urls, reference, second, Media(OLD, None, None)) == OLD
    with pytest.raises(Busy, match="polled just now") as raised:
        address(media_urls, reference, second, Media(None, None, None))
    assert (raised.value.status, raised.value.retry_after) == (503, 2)


def test_a_vendor_that_cannot_be_polled_leaves_the_old_url(
    cases: Any, done: Any, media_urls: MediaUrls, sandbox: Any
) -> None:
    reference = done(cases["topview"])
    sandbox.fault(vendor="topview", call="query", kind="auth_failed", times=5)
    assert address(media_urls, reference, reference.job_ids[0], Media(OLD, None, None)) == OLD


def test_what_the_vendor_says_instead_is_reported_without_a_secret(
    cases: Any, done: Any, media_urls: MediaUrls, connect: Any
) -> None:
    reference = done(cases["topview"]).model_copy(update={"conn_id": connect("topview", password="not-the-password")})
    with pytest.raises(MediaUnavailable, match="Topview gives no address") as raised:
        address(media_urls, reference, reference.job_ids[0], Media(None, None, None))
    assert raised.value.status == 502
    assert "not-the-password" not in raised.value.reason


def test_a_job_that_goes_on_has_no_media_yet(cases: Any, media_urls: MediaUrls, sandbox: Any) -> None:
    case = cases["viitor"]
    sandbox.clock(run_seconds=60)
    job_id = case.hook(case.conn_id).submit(case.request(sandbox))
    reference = JobReference(
        vendor="viitor",
        operation="text_removal",
        polled_as="text_removal",
        conn_id=case.conn_id,
        job_ids=(job_id,),
    )
    with pytest.raises(MediaUnavailable) as raised:
        address(media_urls, reference, job_id, Media(None, None, None))
    assert raised.value.status == 409


@pytest.mark.parametrize(
    "reference",
    [
        {"conn_id": "topview_default"},
        {"conn_id": "unheard_of"},
        {"vendor": "unheard_of"},
        {"conn_id": "http://a/b?sign=secret"},
        {"vendor": "http://a/b?sign=secret"},
    ],
    ids=str,
)
def test_no_connection_is_used_for_another_vendor_than_its_own(
    reference: Any, cases: Any, done: Any, media_urls: MediaUrls, sandbox: Any
) -> None:
    forged = done(cases["viitor"]).model_copy(update=reference)
    with pytest.raises(MediaUnavailable, match="There is no connection") as raised:
        address(media_urls, forged, forged.job_ids[0], Media(OLD, None, None), refused=True)
    assert raised.value.status == 404
    assert "secret" not in str(raised.value)
    assert (polls(sandbox, "viitor"), polls(sandbox, "topview")) == (0, 0)


def test_why_there_are_no_subtitles_is_said_without_what_signs_an_address(
    cases: Any, done: Any, media_urls: MediaUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(url: str, **_: Any) -> str:
        raise subtitles.NoSubtitles(f"they cannot be fetched: {url}?sign=secret")

    monkeypatch.setattr(subtitles, "fetch", fail)
    reference = done(cases["tencent_video"])
    with pytest.raises(MediaUnavailable, match="No subtitles: they cannot be fetched: http") as raised:
        asyncio.run(media_urls.subtitles(reference, reference.job_ids[0]))
    assert "secret" not in raised.value.reason
