# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_provider_videoai.sandbox import CREDENTIALS
from airflow_provider_videoai.sandbox.__main__ import main

COMMAND = [sys.executable, "-m", "airflow_provider_videoai.sandbox"]


def started(*arguments: str, home: Path) -> tuple[subprocess.Popen[str], str]:
    environment = os.environ | {"TMPDIR": str(home)}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    return process, process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_a_signal_ends_it_without_a_trace(tmp_path: Path, number: int) -> None:
    process, line = started("--port", "0", home=tmp_path)
    try:
        prefix = "sandbox listening on "
        assert line.startswith(f"{prefix}http://127.0.0.1:")
        url = line.removeprefix(prefix).strip()
        assert httpx.get(f"{url}/sandbox", trust_env=False).json()["samples"]["clip"]["url"].startswith(url)
        assert list(tmp_path.glob("videoai-sandbox-*"))
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert list(tmp_path.iterdir()) == []
    finally:
        process.kill()
        process.communicate()


def test_jobs_take_as_long_as_the_command_line_says_also_after_a_reset(tmp_path: Path) -> None:
    process, line = started("--port", "0", "--queue-seconds", "0", "--run-seconds", "600.5", home=tmp_path)
    try:
        url = line.rpartition(" ")[2].strip()
        said = {"queue_seconds": 0.0, "run_seconds": 600.5, "advanced": 0.0}
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/sandbox/clock").json() == dict.fromkeys(CREDENTIALS, said)
            client.post("/sandbox/clock", json={"run_seconds": 1})
            client.post("/sandbox/reset")
            assert client.get("/sandbox/clock").json() == dict.fromkeys(CREDENTIALS, said)
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize("option", ["--queue-seconds", "--run-seconds"])
@pytest.mark.parametrize("value", ["-1", "soon", "", "nan", "inf"])
def test_what_is_no_duration_is_refused_by_name(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "0", f"{option}={value}"])
    assert f"{option}: must be a number of seconds, 0 or more, not {value!r}" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--print-connections"]])
@pytest.mark.parametrize("value", ["-1", "65536", "8_765", "", "http", "9" * 5000])
def test_what_is_no_port_is_refused_by_name(value: str, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--port={value}", *more])
    assert f"--port: must be a whole number from 0 to 65535, not {value!r}" in capsys.readouterr().err


def test_printed_connections_can_be_read_by_a_shell() -> None:
    done = subprocess.run(
        [*COMMAND, "--port", "4711", "--print-connections"], capture_output=True, text=True, check=True, timeout=60
    )
    found = dict(word.split("=", 1) for word in shlex.split(done.stdout))
    assert list(found) == [f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT" for vendor in CREDENTIALS]
    for vendor, credential in CREDENTIALS.items():
        connection = json.loads(found[f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT"])
        own = {
            "viitor": {"channel": 100},
            "cdnetworks": {"max_requests_per_minute": 600},
            "tencent_ivh": {"max_jobs_in_flight": 1000, "max_audio_jobs_in_flight": 1000},
        }
        assert connection.pop("extra") == {"allow_private_addresses": True, **own.get(vendor, {})}
        assert connection == {
            "conn_type": vendor,
            "host": "http://127.0.0.1:4711",
            "login": credential.login,
            "password": credential.password,
        }


def test_connections_without_a_port_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "0", "--print-connections"])
    assert "needs the port" in capsys.readouterr().err


def test_taken_port_is_said_clearly(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_missing_extra_says_what_to_install(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    for name in [name for name in sys.modules if name.startswith("airflow_provider_videoai.sandbox.")]:
        if name.rpartition(".")[2] not in ("credentials", "__main__"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(["--port", "0"]) == 1
    assert "pip install 'airflow-provider-videoai[sandbox]'" in capsys.readouterr().err
