"""The log of daily runs: a line of JSON per thing that happened, only ever added to.

Events: `run_started`, `stage_started`, `command_ended` (each try of each command), `stage_ended`,
`run_ended`. A run without a `run_ended` was killed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from microconv.clock import Clock
from microconv.errors import MicroconvError

# How a stage may end. A run goes on after the first two, and behind the others as far as nothing
# needs them.
DONE, WENT_ON = "done", "went_on_late"
LATE, FAILED, TIMED_OUT, STOPPED, LEFT_OUT = "late", "failed", "timed_out", "stopped", "left_out"


@dataclass(frozen=True)
class RunLog:
    """Where lines are added.

    Args:
        path: The file.
        run_id: Stands in every line.
        clock: Says when.
    """

    path: Path
    run_id: str
    clock: Clock

    def add(self, event: str, **said: Any) -> None:
        """Add a line, on the disk before anything else happens.

        Raises:
            MicroconvError: The file cannot be written.
        """
        line = {"at": self.clock.now().isoformat(timespec="milliseconds"), "run_id": self.run_id}
        text = json.dumps({**line, "event": event, **said}, ensure_ascii=True, default=str) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A line that a killed run left half is ended first, so that it spoils no other.
            needs_end = self._is_torn()
            with self.path.open("ab") as file:
                file.write((b"\n" if needs_end else b"") + text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MicroconvError(
                f"{self.path} cannot be written: {error.strerror}.", "Name another file with --log."
            ) from error

    def _is_torn(self) -> bool:
        try:
            with self.path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return file.read(1) != b"\n"
        except OSError:  # no file, or an empty one
            return False


@dataclass
class LastRun:
    """What the log says of the newest run that did stages."""

    run_id: str
    scope: str
    stages: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    commands_done: dict[str, int] = field(default_factory=dict)
    """How many commands of a stage succeeded, one after the other."""


def last_run(path: Path) -> LastRun | None:
    """The newest run in a log; None without one. What cannot be read as a line is passed over."""
    found: LastRun | None = None
    for line in _lines(path):
        if line.get("event") == "run_started":
            found = _started(line)
        elif found and line.get("run_id") == found.run_id:
            _follow(found, line)
    return found


def _started(line: Mapping[str, Any]) -> LastRun:
    return LastRun(
        str(line.get("run_id")),
        str(line.get("scope")),
        [str(name) for name in line.get("stages", [])],
        {str(name) for name in line.get("already_done", [])},
        {str(name): int(number) for name, number in line.get("commands_done", {}).items()},
    )


def _follow(run: LastRun, line: Mapping[str, Any]) -> None:
    stage, outcome = str(line.get("stage")), line.get("outcome")
    if line.get("event") == "stage_ended" and outcome == DONE:
        run.done.add(stage)
    elif line.get("event") == "command_ended" and outcome == DONE:
        run.commands_done[stage] = int(line.get("number", 0))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise MicroconvError(f"{path} cannot be read: {error.strerror}.") from error
    for text in content.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
