# SPDX-License-Identifier: Apache-2.0
"""Command line of the sandbox: ``python -m airflow_provider_videoai.sandbox``, installed as ``videoai-sandbox``."""

from __future__ import annotations

import argparse
import math
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_videoai.sandbox.clock import Durations
from airflow_provider_videoai.sandbox.credentials import connections

if TYPE_CHECKING:
    from airflow_provider_videoai.sandbox.server import SandboxServer

DEFAULT_PORT = 8765
LAST_PORT = 65535
EXTRA_MODULES = ("av", "numpy", "PIL", "starlette", "uvicorn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted.

    :param arguments: of the command line, without the program's name; ``None`` takes those of this process.
    :returns: the exit code: 0 after Ctrl-C or SIGTERM, 1 if the extra is not installed or the port is taken.
    :raises SystemExit: for arguments that argparse refuses.
    """
    options = _parse(arguments)
    if options.print_connections:
        for name, value in connections(f"http://{options.host}:{options.port}").items():
            print(f"{name}={shlex.quote(value)}")  # noqa: T201 - this is the output
        return 0
    try:
        server = _server(options)
    except ModuleNotFoundError as error:
        # An absent module outside of the extra is a defect of this package: installing the extra would not help.
        if (error.name or "").partition(".")[0] not in EXTRA_MODULES:
            raise
        install = "pip install 'airflow-provider-videoai[sandbox]'"
        print(f"The sandbox needs {error.name}: {install}", file=sys.stderr)  # noqa: T201 - for the person at the shell
        return 1
    except OSError as error:
        print(f"Cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    _serve(server)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="videoai-sandbox", description="ViiTor, Aidge, CDNetworks, Topview and Tencent IVH, offline, on one port."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--queue-seconds",
        type=_seconds,
        default=Durations.queue_seconds,
        help="how long a job waits in the vendor's queue (default: %(default)s)",
    )
    parser.add_argument(
        "--run-seconds",
        type=_seconds,
        default=Durations.run_seconds,
        help="how long it runs then, at least until its media are rendered (default: %(default)s)",
    )
    parser.add_argument(
        "--print-connections", action="store_true", help="print Airflow connections for this host and port, and end"
    )
    options = parser.parse_args(arguments)
    if options.print_connections and not options.port:
        # With port 0 the operating system chooses the port when the server binds: no connection can name it before.
        parser.error("--print-connections needs the port that the sandbox will have")
    return options


def _port(text: str) -> int:
    # Digits only: int() also reads "8_765". socket raises OverflowError for a larger one, and no OSError.
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST_PORT)) and int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {LAST_PORT}, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    # "inf" and "nan" are numbers to float(), and a job would never end.
    if not (math.isfinite(seconds) and seconds >= 0):
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, not {text!r}")
    return seconds


def _server(options: argparse.Namespace) -> SandboxServer:
    # Imported here: without the extra, --print-connections works, and main() says what to install.
    from airflow_provider_videoai.sandbox.server import SandboxServer  # noqa: PLC0415 - needs the extra

    return SandboxServer(options.host, options.port, Durations(options.queue_seconds, options.run_seconds))


def _serve(server: SandboxServer) -> None:
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # A signal handler runs between two instructions of the main thread: it only sets the event, and _serve() stops
        # the server, which joins a thread.
        signal.signal(number, lambda *_: done.set())
    server.start()
    try:
        # Flushed: whoever started this process waits for the line, and a pipe is block-buffered.
        print(f"sandbox listening on {server.url}", flush=True)  # noqa: T201 - this is the output
        done.wait()
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
