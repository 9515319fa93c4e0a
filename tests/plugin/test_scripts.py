# SPDX-License-Identifier: Apache-2.0
"""What the page's scripts write and where they lead, without a browser."""

from __future__ import annotations

import pytest

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
