# SPDX-License-Identifier: Apache-2.0
"""Draw the picture of docs/explanation/waiting.md, and print its table of poll intervals by age and progress."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_videoai.jobs.model import JobState, JobStatus
from airflow_provider_videoai.jobs.polling.cadence import FIRST_POLL, Cadence
from airflow_provider_videoai.jobs.polling.watch import Watch

PICTURE = Path(__file__).parents[1] / "docs/pictures/waiting.png"
CADENCE = Cadence(floor=1.0)
AGES = {"10 s": 10, "30 s": 30, "1 min": 60, "3 min": 180, "10 min": 600, "30 min": 1800, "1 h": 3600, "2 h": 7200}
SEEN = {
    "nothing known": None,
    "queue position": JobStatus(job_id="j", state=JobState.QUEUED, queue_position=3),
    **{f"{percent} %": JobStatus(job_id="j", state=JobState.RUNNING, progress=percent) for percent in (10, 50, 90, 99)},
}


def table() -> str:
    """Return the seconds to the next poll by age (down) and last status (across) as a Markdown table."""
    lines = [f"| age | {' | '.join(SEEN)} |", "|---" * (len(SEEN) + 1) + "|"]
    for name, age in AGES.items():
        intervals = (CADENCE.interval_after(age, status) for status in SEEN.values())
        lines.append(f"| {name} | {' | '.join(f'{seconds:.3g}' for seconds in intervals)} |")
    return "\n".join(lines)


def polls(length: float, *, progress: bool) -> list[float]:
    """Return at which ages (seconds) a job of this duration is polled, up to the poll that detects its end."""
    watch = Watch(job_id="j", submitted_at=0.0, started_at=0.0, cadence=CADENCE)
    ages = [FIRST_POLL]
    while ages[-1] < length:
        percent = min(99, int(100 * ages[-1] / length)) if progress else None
        watch.saw(JobStatus(job_id="j", state=JobState.RUNNING, progress=percent), ages[-1], ages[-1])
        ages.append(watch.due_at)
    return ages


def draw(path: Path) -> None:
    """Draw the polls of three jobs over their lives, beside polling every 5 seconds."""
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only for the picture

    figure, panels = plt.subplots(3, 1, figsize=(9, 5.4), layout="constrained")
    for axes, (name, length) in zip(
        panels, {"1 minute": 60.0, "10 minutes": 600.0, "1 hour": 3600.0}.items(), strict=True
    ):
        rows = {
            "with progress": polls(length, progress=True),
            "without": polls(length, progress=False),
            "every 5 s": [5.0 * step for step in range(1, int(length / 5) + 1)],
        }
        axes.eventplot(
            list(reversed(rows.values())), colors=["#b9b9b9", "#2f6690", "#4c9f70"], linelengths=0.7, linewidths=1.2
        )
        axes.axvline(length, color="#c1121f", linewidth=1)
        axes.set_yticks(range(3), [f"{title}: {len(ages)} polls" for title, ages in reversed(rows.items())])
        axes.set_title(f"a job of {name}", loc="left", fontsize=10)
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[-1].set_xlabel("age of the job in seconds; red: its end")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main() -> None:
    """Print the table and draw the picture."""
    print(table())
    draw(PICTURE)


if __name__ == "__main__":
    main()
