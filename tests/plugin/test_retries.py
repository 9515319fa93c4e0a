# SPDX-License-Identifier: Apache-2.0
"""How a player requests media again whose address was refused: the page's own script, on a clock of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import javascript

REDIRECT = {"type": "opaqueredirect", "ok": False, "status": 0}
"""What a browser shows a script of a redirect, and so of media that can be had."""

# Each address that leads to media is refused by the media's server, `after` seconds later.
HARNESS = """
const { answers, after, random, closed, hidden } = given;
const seen = [];
let now = 0;
Math.random = () => random;
performance.now = () => now;
globalThis.setTimeout = (done, milliseconds) => {
  now += milliseconds;
  seen.push(["wait", milliseconds / 1000]);
  done();
};
globalThis.document = { hidden, addEventListener: (name, done) => (seen.push([name]), done()) };
globalThis.fetch = async (address, { redirect }) => {
  seen.push(["fetch", address, redirect]);
  const { body, headers = {}, ...answer } = answers.length > 1 ? answers.shift() : answers[0];
  if (answer.status === null) {
    throw new TypeError("Failed to fetch");
  }
  return { ...answer, headers: new Map(Object.entries(headers)), json: async () => JSON.parse(body) };
};
const { retries } = await import(`${given.static}/retries.js`);
const frame = { isConnected: true };
const next = retries(frame, (number) => `try ${number}`, (why, seconds) => {
  seen.push(["report", why, seconds]);
  frame.isConnected = !closed;
});
let end = null;
for (let refusals = 0; refusals < 20 && !end; refusals += 1) {
  const { address, why } = await next();
  now += after * 1000;
  if (!address) {
    end = why ?? "closed";
  }
}
console.log(JSON.stringify({ end, seen }));
"""


def played(*answers: Any, after: float = 0, random: float = 0, closed: bool = False, hidden: bool = False) -> Any:
    """Return why the player gave up (``None``: it did not), and what it did until then."""
    return javascript.run(HARNESS, answers=answers, after=after, random=random, closed=closed, hidden=hidden)


def refusal(status: int, detail: str = "", **headers: str) -> dict[str, Any]:
    body = json.dumps({"detail": detail}) if detail else "<html>Bad gateway</html>"
    return {"ok": False, "status": status, "body": body, "headers": headers}


def waits(found: Any) -> list[float]:
    return [each[1] for each in found["seen"] if each[0] == "wait"]


def test_an_address_that_stays_refused_is_tried_a_few_times_after_pauses_that_grow() -> None:
    found = played(REDIRECT)
    assert waits(found) == [0, 4, 8, 16, 32]
    assert [each for each in found["seen"] if each[0] == "fetch"] == [
        ["fetch", f"try {number}", "manual"] for number in range(1, 6)
    ]
    assert found["end"].startswith("Its address has expired or was refused")


def test_the_tries_of_many_players_are_spread_but_the_first_comes_at_once() -> None:
    assert waits(played(REDIRECT, random=0.5)) == [0, 5, 10, 20, 40]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 410])
def test_media_that_is_gone_for_good_is_not_requested_again(status: int) -> None:
    found = played(refusal(status, "ViiTor gives no address: it is gone"))
    assert waits(found) == [0]
    assert found["end"]


def test_a_vendor_that_is_away_is_said_with_its_reason_and_tried_when_the_page_may() -> None:
    busy = refusal(503, "The vendor was queried for another address just now.", **{"Retry-After": "19"})
    found = played(refusal(502, "ViiTor gives no address: HTTP 500"), busy, REDIRECT)
    assert waits(found) == [0, 4, 19, 16, 32]
    assert [each[1:] for each in found["seen"] if each[0] == "report"][1:3] == [
        ["ViiTor gives no address: HTTP 500", 4],
        ["The vendor was queried for another address just now.", 19],
    ]


@pytest.mark.parametrize("named", ["86400", "Wed, 21 Oct 2026 07:28:00 GMT", "-5", "NaN"])
def test_no_proxy_decides_for_how_long_a_player_waits(named: str) -> None:
    found = played(refusal(503, **{"Retry-After": named}), REDIRECT)
    assert waits(found)[1] == (300 if named == "86400" else 4)


def test_an_airflow_that_cannot_be_reached_is_said_without_words_of_the_browser() -> None:
    assert played({"status": None})["end"] == "Airflow cannot be reached."


def test_an_address_that_is_refused_after_it_was_good_for_minutes_is_a_new_series() -> None:
    found = played(REDIRECT, after=61)
    assert (found["end"], set(waits(found))) == (None, {0})


def test_a_frame_that_was_closed_requests_nothing() -> None:
    found = played(REDIRECT, closed=True)
    assert (found["end"], [each[0] for each in found["seen"]]) == ("closed", ["report", "wait"])


def test_a_page_in_the_background_waits_until_it_is_seen() -> None:
    names = [each[0] for each in played(refusal(410, "gone"), hidden=True)["seen"]]
    assert names == ["report", "wait", "visibilitychange", "fetch"]
