# SPDX-License-Identifier: Apache-2.0
"""Machines of a chaos run are no parts of this one: they share nothing but a network with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import socket, subprocess, sys
from relay import Relay
from tests.chaos.machines import GATEWAY, machines
CALL = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)"
with machines(2) as hosts, socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
    with Relay((GATEWAY, port), port):
        for host in hosts:
            for address in (GATEWAY, "127.0.0.1"):
                command = [*host, sys.executable, "-c", CALL, address, str(port)]
                print(address, subprocess.run(command, stderr=subprocess.DEVNULL).returncode)
"""


def test_each_machine_reaches_this_one_at_its_address_and_has_a_loopback_interface_of_its_own() -> None:
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "--net", "ip", "link"], check=False).returncode:
        pytest.skip("network namespaces cannot be made here")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}
    command = [unshare, "--net", sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout.splitlines() == ["198.18.0.1 0", "127.0.0.1 1"] * 2
