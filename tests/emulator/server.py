"""The emulator as a process of its own on loopback, and a client of it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from bigquery.compile_offline import PROJECT
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

HOST = "127.0.0.1"
LAUNCHER = Path(__file__).with_name("launch.py")
PYTHON = LAUNCHER.parents[2] / ".venv-emulator" / "bin" / "python"
START_SECONDS = 60


class EmulatorError(Exception):
    """The emulator did not start; the message is the end of its log."""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of an emulator whose data and log are in `folder`, stopped after the block."""
    folder.mkdir(parents=True, exist_ok=True)
    port, storage_port = _free_ports()
    command = [
        *(str(PYTHON), str(LAUNCHER), "--host", HOST, "--port", str(port)),
        *("--grpc-port", str(storage_port), "--data-dir", str(folder / "data")),
        *("--project", PROJECT),
    ]
    log = folder / "emulator.log"
    with log.open("wb") as output:
        environment = {**os.environ, "PYTHONPATH": "", "HOME": str(folder)}
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the emulator to stop, should this process die
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"http://{HOST}:{port}"
        _wait(process, address, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def client(address: str) -> bigquery.Client:
    return bigquery.Client(
        PROJECT, credentials=AnonymousCredentials(), client_options={"api_endpoint": address}
    )


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((HOST, 0))
        other.bind((HOST, 0))
        return one.getsockname()[1], other.getsockname()[1]


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Until it answers; it imports for some seconds first."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(requests.ConnectionError):
            if requests.get(f"{address}/bigquery/v2/projects/{PROJECT}/datasets", timeout=30).ok:
                return
        time.sleep(0.2)
    raise EmulatorError(log.read_text(errors="replace")[-4000:])
