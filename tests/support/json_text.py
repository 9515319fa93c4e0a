# SPDX-License-Identifier: Apache-2.0
"""JSON as any server may write it, values included that few programs can carry."""

from __future__ import annotations

import json

from hypothesis import strategies as st

ODD = (
    r'"\ud83d"',
    r'"\ude00\ud83d"',
    r'"a\u0000b"',
    r'"\u001b[2Jgone\r\nforged"',
    '"\u202e\u2028"',
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    str(2**63),
    str(2**64),
    str(-(2**63) - 1),
    "9" * 5000,
    "[" * 400 + "]" * 400,
    '{"a":' * 400 + "1" + "}" * 400,
    '{"__classname__": "airflow.models.Variable", "__version__": 1, "__data__": {}}',
    '{"__type": "dict", "__var": 7}',
    '{"__id__": 1}',
    '{"\\ud800": 1, "\\u0000": 2}',
    json.dumps("x" * 2000),
    "null",
    "true",
    '""',
    "-0.0",
)
"""JSON literals that have broken something somewhere."""

_SCALARS = (
    st.sampled_from(ODD)
    | st.integers().map(str)
    | st.floats().map(json.dumps)
    | st.text(max_size=8).map(json.dumps)
    | st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False))
)


def _objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    key = st.text(max_size=6).map(json.dumps) | st.sampled_from(
        [r'"\ud800"', r'"\u0000"', '"__classname__"', '"__type"']
    )
    members = st.lists(st.builds("{}: {}".format, key, inner), max_size=3)
    return members.map(lambda each: f"{{{', '.join(each)}}}")


def _arrays(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")


JSON_TEXTS = st.recursive(_SCALARS, lambda inner: _objects(inner) | _arrays(inner), max_leaves=6)
"""Any JSON value, as text."""
