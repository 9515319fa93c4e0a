# SPDX-License-Identifier: Apache-2.0
"""The parts of a cluster, with other programs in Airflow's place: what is killed, frozen or ended is so as a whole."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import textwrap
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import psutil
import pytest
from broker import Redis
from cluster_part import Machine, Part
from processes import free_ports, wait_for
from relay import Relay

COUNTS = """
    import subprocess, sys, time
    code = "import time\\nwhile True: print('child', flush=True); time.sleep(0.01)"
    # As Airflow's tasks do, it leaves the session of its parent.
    print("pid", subprocess.Popen([sys.executable, "-c", code], start_new_session=True).pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def part(tmp_path: Path) -> Iterator[Part]:
    machine = Machine("machine-1", "127.0.0.13", tmp_path, 1, 2, {"PATH": ""})

    class OtherProgram(Part):
        AIRFLOW = (sys.executable, "-c")

    part = OtherProgram("worker-1", machine, (textwrap.dedent(COUNTS),))
    part.start()
    wait_for(lambda: "child" in part.log_since_start(), 20, "it did not start")
    child = child_of(part)
    yield part
    part.kill()
    # Of a part that ended by itself, nobody knows its children any more.
    with contextlib.suppress(psutil.NoSuchProcess):
        child.kill()
    wait_for(lambda: not alive(child), 10, "its child outlived it")


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def child_of(part: Part) -> psutil.Process:
    (line,) = [line for line in part.log_since_start().splitlines() if line.startswith("pid")]
    return psutil.Process(int(line.split()[1]))


def test_what_left_the_session_is_killed_too(part: Part) -> None:
    child = child_of(part)
    part.kill()
    assert not alive(child)
    assert part.processes() == []
    assert not part.ended, "it was ended, it did not end by itself"


def test_frozen_part_does_nothing_until_it_is_thawed(part: Part) -> None:
    part.freeze()
    statuses = {process.status() for process in part.processes()}
    assert statuses == {psutil.STATUS_STOPPED}
    before = len(part.log_since_start())
    assert len(part.processes()) == 2
    assert len(part.log_since_start()) == before
    part.thaw()
    wait_for(lambda: len(part.log_since_start()) > before, 20, "it did not go on")


def test_frozen_part_can_be_ended(part: Part) -> None:
    part.freeze()
    part.terminate()
    part.end(seconds=5)
    assert part.processes() == []


def test_part_that_ended_by_itself_is_noticed_and_can_start_again(part: Part) -> None:
    psutil.Process(part.processes()[0].pid).kill()
    wait_for(lambda: part.ended, 20, "its end went unnoticed")
    part.kill()
    part.start()
    wait_for(lambda: "child" in part.log_since_start(), 20, "it did not start again")
    assert part.running


def test_log_server_is_reached_at_the_address_of_its_machine() -> None:
    class Logs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"line " * 100_000)

        def log_message(self, *_: object) -> None:
            pass

    (common,) = free_ports(1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Logs) as server, Relay(("127.0.0.13", common), server.server_port):
        Thread(target=server.serve_forever, daemon=True).start()
        answer = httpx.get(f"http://127.0.0.13:{common}/log", trust_env=False)
        server.shutdown()
    assert len(answer.content) == 500_000
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.13", common))


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis is not installed")
def test_broker_that_was_away_has_its_messages() -> None:
    redis = Redis()
    try:
        redis.start()
        port = int(redis.url.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
        assert ask(port, b"LPUSH default message") == b":1"
        redis.stop()
        redis.start()
        assert ask(port, b"LLEN default") == b":1"
    finally:
        redis.remove()


def ask(port: int, command: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(command + b"\r\n")
        return connection.recv(64).strip()
