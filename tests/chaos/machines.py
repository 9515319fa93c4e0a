# SPDX-License-Identifier: Apache-2.0
"""Machines that share nothing but a network: Linux's network namespaces, which only root may make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NoReturn

__all__ = ["GATEWAY", "NoNetworkError", "isolate", "machines"]

GATEWAY = "198.18.0.1"
"""This machine, as the others reach it: of the addresses that RFC 2544 keeps for tests of networks."""
_BRIDGE = "lan"


class NoNetworkError(Exception):
    """Namespaces cannot be made here; its text says why."""


def isolate(module: str, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by a module of Python in a network of its own, where :func:`machines` can be made.

    So this machine's own network gets no address and no route, and nothing is left in it.

    :param module: its name.
    :param arguments: its command line.
    :raises NoNetworkError: if it cannot be done here.
    """
    _call("unshare", "--net", "true")
    unshare = _found("unshare")
    os.execv(unshare, [unshare, "--net", sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is the point


@contextmanager
def machines(count: int) -> Iterator[list[tuple[str, ...]]]:
    """Make machines on one network; yield for each what to put before a command that is to run there.

    :param count: how many.
    :raises NoNetworkError: if it cannot be done here.
    """
    with ExitStack() as made:
        _call("ip", "link", "set", "lo", "up")
        _call("ip", "link", "add", _BRIDGE, "type", "bridge")
        _call("ip", "address", "add", f"{GATEWAY}/24", "dev", _BRIDGE)
        _call("ip", "link", "set", _BRIDGE, "up")
        names = [f"videoai-{os.getpid()}-{number}" for number in range(count)]
        for number, name in enumerate(names):
            _call("ip", "netns", "add", name)
            made.callback(_call, "ip", "netns", "delete", name)
            _call("ip", "link", "add", f"wire{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
            _call("ip", "link", "set", f"wire{number}", "master", _BRIDGE, "up")
            _call("ip", "-netns", name, "address", "add", f"{_address(number)}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _call("ip", "-netns", name, "link", "set", device, "up")
        yield [(_found("ip"), "netns", "exec", name) for name in names]


def _address(number: int) -> str:
    return f"{GATEWAY.rpartition('.')[0]}.{number + 2}"


def _found(program: str) -> str:
    if (path := shutil.which(program)) is None:
        raise NoNetworkError(f"{program} is not installed")
    return path


def _call(program: str, *arguments: str) -> None:
    done = subprocess.run([_found(program), *arguments], stderr=subprocess.PIPE, check=False, text=True)
    if done.returncode:
        raise NoNetworkError(f"{program} {' '.join(arguments)}: {done.stderr.strip()}")
