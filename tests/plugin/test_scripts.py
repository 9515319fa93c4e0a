# SPDX-License-Identifier: Apache-2.0
"""What the page's scripts write and where they lead, without a browser."""

from __future__ import annotations

import json

import pytest

from airflow_provider_videoai.plugin.wording import unsigned
from tests.support import javascript

LABELS = """
const { position, duration } = await import(`${given.static}/labels.js`);
const shown = [];
for (let milliseconds = 0; milliseconds < 7_300_000; milliseconds += 997) {
  const seconds = milliseconds / 1000;
  shown.push([seconds, position(seconds), duration(seconds)]);
}
for (const seconds of [59.996, 59.6, 119.999, 3599.999, 3600]) {
  shown.push([seconds, position(seconds), duration(seconds)]);
}
console.log(JSON.stringify(shown));
"""

ROOT = """
globalThis.window = { parent: null };
window.parent = window;
globalThis.location = { pathname: given.path };
console.log(JSON.stringify((await import(`${given.static}/frame.js`)).airflowRoot));
"""

COPY = """
const click = { };
globalThis.window = { parent: null };
window.parent = window;
globalThis.location = { pathname: "/video-jobs/job" };
Object.defineProperty(globalThis, "navigator", { value: { clipboard: { writeText: async () => {
  if (!given.clipboard) throw new Error("not allowed");
} } } });
const element = () => ({
  classList: { add() {} }, setAttribute() {}, append() {}, select() {}, remove() {},
  addEventListener: (name, listener) => { click[name] = listener; },
});
globalThis.document = { createElement: element, body: element(), execCommand: () => given.command };
const { copy } = await import(`${given.static}/facts.js`);
const target = copy("j1", "job id");
await click.click({ target });
console.log(JSON.stringify(target.textContent));
process.exit();
"""

SEARCH = """
const { followChoices } = await import(`${given.static}/list.js`);
const heard = {};
const filters = { search: { name: "search" }, addEventListener: (name, listener) => { heard[name] = listener; } };
let made = null;
const chosen = new URLSearchParams();
followChoices({ main: { addEventListener() {} }, filters, chosen, choose: (changes) => { made = changes; }, now() {} });
heard.change({ target: { name: "search", value: given.text } });
console.log(JSON.stringify(made.search));
"""

ANSWER = """
globalThis.fetch = async () => new Response(given.body, { status: given.status });
const { fetchJson } = await import(`${given.static}/polling.js`);
const found = await fetchJson("api/jobs").catch(({ status, message, passes }) => ({ status, message, passes }));
console.log(JSON.stringify(found));
"""


@pytest.mark.parametrize(
    ("text", "searched"),
    [
        ("job 1042?", "job 1042?"),
        ("https://a.example/in/clip.mp4?sign=secret", "https://a.example/in/clip.mp4"),
        ("HTTPS://me:secret@a.example/clip@2x.mp4#secret", "HTTPS://a.example/clip@2x.mp4"),
        ("run https://a.example/?k=secret failed", "run https://a.example/ failed"),
    ],
)
def test_of_a_url_that_is_searched_no_secret_gets_into_an_address(text: str, searched: str) -> None:
    assert javascript.run(SEARCH, text=text) == searched
    assert unsigned(searched) == unsigned(text), "and the same is found"


@pytest.mark.parametrize("status", [200, 401, 404, 500, 502])
@pytest.mark.parametrize("body", ["<html>Log in</html>", "", "null", '{"detail": 3}', '{"detail": {"a": 1}}'])
def test_whatever_a_proxy_answers_in_place_of_airflow_a_person_gets_words(status: int, body: str) -> None:
    found = javascript.run(ANSWER, status=status, body=body)
    if status == 200 and body.startswith("{"):
        assert found == json.loads(body)
        return
    assert found["passes"] == (status in (200, 500, 502))
    assert not {"undefined", "JSON", "Object", "[object", "null"} & set(found["message"].split())
    assert found["message"].endswith(".")


@pytest.mark.parametrize(
    ("clipboard", "command", "said"),
    [(True, False, "Copied"), (False, True, "Copied"), (False, False, "Not copied")],
)
def test_a_button_says_copied_only_if_the_text_was_copied(clipboard: bool, command: bool, said: str) -> None:
    assert javascript.run(COPY, clipboard=clipboard, command=command) == said


def test_a_time_never_has_sixty_seconds() -> None:
    for seconds, position, duration in javascript.run(LABELS):
        *hours, minutes, rest = map(float, position.split(":"))
        assert rest < 60, position
        assert sum(part * 60**power for power, part in enumerate([rest, minutes, *hours])) == pytest.approx(
            seconds, abs=0.0051
        )
        assert "60" not in duration.split(), duration


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/video-jobs/", ""),
        ("/video-jobs/job", ""),
        ("/airflow/video-jobs/batch", "/airflow"),
        ("/video-jobs/airflow/video-jobs/jobs", "/video-jobs/airflow"),
    ],
)
def test_the_way_back_to_airflow_keeps_the_path_that_a_proxy_serves_it_below(path: str, root: str) -> None:
    assert javascript.run(ROOT, path=path) == root
