# SPDX-License-Identifier: Apache-2.0
"""A package or a connection that a later step of a batch needs, and that is missing, is reported before a purchase."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_videoai.jobs.errors import InvalidRequest, StorageFailed

pytestmark = [
    pytest.mark.usefixtures("prompt"),
    pytest.mark.parametrize("case", ["viitor"], indirect=True),
]

WITHOUT_GOOGLE = pytest.mark.skipif(
    importlib.util.find_spec("gcsfs") is not None, reason="the package of this store is installed"
)
PACKAGE = "pip install 'apache-airflow-providers-google'"


def test_what_checks_media_is_missing(
    case: Any, batch: Any, rows: Any, bought: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    task = batch(case, rows(case, 2), destination=f"file://{tmp_path}/{{item_id}}.mp4")
    with pytest.raises(InvalidRequest, match=r"verify: .*pip install 'airflow-provider-videoai\[media\]'"):
        task.run()
    assert bought(case) == []


@WITHOUT_GOOGLE
@pytest.mark.parametrize("skip_existing", [True, False])
def test_the_store_of_results_is_missing(case: Any, batch: Any, rows: Any, bought: Any, skip_existing: bool) -> None:
    task = batch(case, rows(case, 2), destination="gs://b/{item_id}.mp4", skip_existing=skip_existing)
    with pytest.raises(InvalidRequest, match=f"^destination: .*{PACKAGE}"):
        task.run()
    assert bought(case) == []


@WITHOUT_GOOGLE
def test_the_store_of_the_manifest_is_missing(case: Any, batch: Any, rows: Any, bought: Any) -> None:
    task = batch(case, rows(case, 2), manifest="gs://b/all.jsonl")
    with pytest.raises(InvalidRequest, match=f"^manifest: .*{PACKAGE}"):
        task.run()
    assert bought(case) == []


@pytest.mark.parametrize(
    ("name", "place"),
    [("destination", "{item_id}.mp4"), ("manifest", "all.jsonl"), ("requests", "clips.csv")],
)
def test_the_connection_of_a_store_is_missing(
    case: Any, batch: Any, rows: Any, bought: Any, name: str, place: str
) -> None:
    given = {"requests": rows(case, 2), "skip_existing": False, "verify": False, name: f"s3://nobody@b/{place}"}
    task = batch(case, given.pop("requests"), **given)
    with pytest.raises(StorageFailed, match=f"^{name}: .*name an Airflow connection that exists"):
        task.run()
    assert bought(case) == []
