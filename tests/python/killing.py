"""Processes of the command that are killed without warning, and who looks on meanwhile."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from project_run import PROJECT, Warehouse

PATIENCE_SECONDS = 300
# What `microconv` writes to the warehouse, by the beginning of a table's name.
WRITTEN = ("evidence_", "mart_alert", "audience_members")

Look = Callable[[], str]


def start_command(
    warehouse: Warehouse, *arguments: str, prefix: Sequence[str] = (), output: int | None = None
) -> subprocess.Popen[bytes]:
    """Starts `microconv` on a warehouse, as a scheduler would; a prefix may limit it."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "microconv", *arguments],
        env={
            **os.environ,
            **warehouse.environment,
            "DBT_PROJECT_DIR": str(PROJECT),
            "DBT_PROFILES_DIR": str(warehouse.root / "profiles"),
            "DBT_TARGET_PATH": str(warehouse.root / "target"),
        },
        stdin=subprocess.DEVNULL,
        stdout=output or (warehouse.root / "said.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def run_command(warehouse: Warehouse, *arguments: str) -> float:
    """Runs it to its end, which must be a good one; how many seconds it took."""
    began = time.monotonic()
    code = start_command(warehouse, *arguments).wait(PATIENCE_SECONDS)
    assert code == 0, (warehouse.root / "said.log").read_text()
    return time.monotonic() - began


@dataclass
class Killer:
    """Kills processes at random moments.

    Args:
        pick: Says when.
        seconds: How long an undisturbed run takes.
        begun: Changes when the process begins to write; half of the moments follow it closely.
    """

    pick: random.Random
    seconds: float
    begun: Look | None = None
    moments: list[str] = field(default_factory=list)

    def kill(self, process: Any, kill: Callable[[], None]) -> bool:
        """Kill it some time after its start; whether it still ran."""
        is_aimed = self.begun is not None and self.pick.random() < 0.5
        began, before = time.monotonic(), self.begun() if self.begun else ""
        moment = self.pick.uniform(0, self.seconds)
        if is_aimed and self.begun:
            while self.begun() == before and is_running(process):
                time.sleep(0.0005)
            moment = time.monotonic() - began + self.pick.choice([0, 0.003, 0.01, 0.03, 0.1])
        time.sleep(max(began + moment - time.monotonic(), 0))
        if not is_running(process):
            return False
        kill()
        self.moments.append(f"{moment:.3f} s{' (writing)' if is_aimed else ''}")
        return True


def is_running(process: Any) -> bool:
    if isinstance(process, subprocess.Popen):
        return process.poll() is None
    return bool(process.is_alive())


def kill_command(killer: Killer, warehouse: Warehouse, *arguments: str) -> bool:
    """Start a command and kill it; whether it still ran then."""
    process = start_command(warehouse, *arguments)
    was_running = killer.kill(process, lambda: os.killpg(process.pid, signal.SIGKILL))
    assert process.wait(PATIENCE_SECONDS) == (-signal.SIGKILL if was_running else 0), (
        warehouse.root / "said.log"
    ).read_text()
    return was_running


# ---- looking -------------------------------------------------------------------------------------


def stamps(*paths: Path) -> str:
    """Changes when one of the files, or one in these folders, does."""
    found = []
    for path in paths:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                found.append(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}")
    return "\n".join(found)


def written_rows(database: Path) -> dict[str, list[str]]:
    """The rows of what Python wrote, read as any other process would; empty tables are none."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables order by 1"
        ).fetchall()
        found = {
            name: sorted(map(str, connection.execute(f'from "{name}"').fetchall()))
            for (name,) in names
            if name.startswith(WRITTEN)
        }
    return {name: rows for name, rows in found.items() if rows}


def contents(folder: Path) -> dict[str, str]:
    """What each file of a folder holds, as a digest; files without a name yet are left out."""
    found = {}
    for file in folder.iterdir():
        if not file.name.startswith("."):
            with contextlib.suppress(FileNotFoundError):
                found[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


@contextlib.contextmanager
def watched(folder: Path, allowed: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """A reader who opens the files of a folder all the time; yields what was wrong with them.

    Args:
        folder: Where.
        allowed: The digests that each file may have.
    """
    wrong: list[str] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            for name, digest in contents(folder).items():
                if digest not in allowed.get(name, set()) and name not in wrong:
                    wrong.append(name)
            time.sleep(0.001)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield wrong
    finally:
        is_over.set()
        reader.join()
