# SPDX-License-Identifier: Apache-2.0
"""What can be known to be wrong with the destination of a batch is reported before anything is bought."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from airflow_provider_videoai.batches.kept import KeptFiles, check_destination
from airflow_provider_videoai.jobs.errors import InvalidRequest
from tests.batches.test_kept import ARGUMENTS, Item, files_in


@pytest.mark.parametrize("template", ["s3://c@b/{vendor}/{operation}/{item_id}.mp4", "file:///a/{item_id}/video.mp4"])
def test_a_destination_with_the_items_id_is_accepted(template: str) -> None:
    check_destination(template)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (None, r"URL of a file, s3://conn@bucket/folder/{item_id}\.mp4"),
        ("/a/{item_id}.mp4", "URL of a file"),
        ("https://h/{item_id}.mp4", "a web address"),
        ("s3://b/a.mp4", "must hold {item_id}"),
        ("s3://b/{vendor}.mp4", "must hold {item_id}"),
        ("s3://b/{{item_id}}.mp4", "must hold {item_id}"),
        ("s3://b/{item_id}/{job_id}.mp4", "no field {job_id}; there are item_id, vendor, operation"),
        ("s3://b/{item_id.__class__}.mp4", "no field"),
        ("s3://b/{item_id!r}.mp4", "no field"),
        ("s3://b/{item_id}/", "does not name one"),
        ("s3://b/{item_id", "expected '}'"),
    ],
)
def test_any_other_destination_is_refused_by_the_rule_that_it_breaks(template: Any, why: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^destination: .*{why}"):
        check_destination(template)
    with pytest.raises(InvalidRequest, match=f"^destination: .*{why}"):
        KeptFiles(template, **ARGUMENTS)


def test_a_path_has_the_items_fields() -> None:
    files = KeptFiles("s3://c@b/{vendor}-{operation}/{item_id}.mp4", **ARGUMENTS)
    assert files.path_of(Item("a b#1")) == "s3://c@b/viitor-text_removal/a b#1.mp4"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item_id", "why"),
    [
        ("../a", "not allowed in file names"),
        ("..", "not allowed in file names"),
        ("a/b", "not allowed in file names"),
        ("a\nb", "not allowed in file names"),
        ("a\0", "not allowed in file names"),
        ("\ud800", "half of a surrogate pair"),
        ("字" * 81, "more than 255 bytes"),
        ("a.videoai.json", r"may end in \.videoai\.json"),
    ],
    ids=ascii,
)
def test_an_id_that_no_file_name_can_hold_is_refused_before_anything_is_bought(item_id: str, why: str) -> None:
    files = KeptFiles("file:///clips/{item_id}", **ARGUMENTS)
    with pytest.raises(InvalidRequest, match=f"^destination: .*{why}"):
        files.path_of(Item(item_id))  # type: ignore[arg-type]


def test_a_missing_library_is_reported_before_anything_is_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InvalidRequest, match=r"verify: .*pip install 'airflow-provider-videoai\[media\]'"):
        files_in("file:///clips", verify=True)
    files_in("file:///clips")


def test_what_a_dag_file_imports_loads_no_library_of_stores_or_downloads() -> None:
    program = """
import sys
import airflow.sdk, airflow.dag_processing.processor
before = set(sys.modules)
import airflow_provider_videoai.batches.kept, airflow_provider_videoai.batches.manifest
print(sorted({"fsspec", "aiohttp", "av", "s3fs"} & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
