# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from airflow_provider_videoai.media.content_types import arguments_for, content_type_of

CASES: dict[str, tuple[str, str | None, str | None]] = {
    "its name says it": ("b/clip.mp4", None, "video/mp4"),
    "its name, in capitals": ("b/CLIP.MP4", None, "video/mp4"),
    "a store that knows nothing": ("b/clip.mov", "binary/octet-stream", "video/quicktime"),
    "another name than its server's": ("b/words.vtt", "text/plain", "text/vtt"),
    "only its server says it": ("b/clip", "video/mp4", "video/mp4"),
    "a picture": ("b/frame.png", None, "image/png"),
    "nobody says it": ("b/clip", "application/octet-stream", "application/octet-stream"),
    "nobody says anything": ("b/clip", None, None),
}


@pytest.mark.parametrize(("path", "said", "expected"), CASES.values(), ids=CASES)
def test_the_suffix_decides_the_content_type_and_else_the_server(
    path: str, said: str | None, expected: str | None
) -> None:
    assert content_type_of(path, said) == expected


def test_each_store_gets_the_content_type_by_its_own_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = SimpleNamespace(ContentSettings=lambda *, content_type: {"as Azure's": content_type})
    monkeypatch.setitem(sys.modules, "azure.storage.blob", azure)
    assert arguments_for(("s3", "s3a"), "video/mp4") == {"ContentType": "video/mp4"}
    assert arguments_for(("gs", "gcs"), "video/mp4") == {"content_type": "video/mp4"}
    assert arguments_for(("abfs", "az", "abfss"), "video/mp4") == {"content_settings": {"as Azure's": "video/mp4"}}
    assert arguments_for(("file", "local"), "video/mp4") == arguments_for(("s3",), None) == {}
