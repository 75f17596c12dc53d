"""Runs one command of a stage as a process of its own: bounded, its output kept in a file."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from microconv.clock import Clock, Deadline
from microconv.output import printable

_LOOK_SECONDS = 0.05
# What a process has to end by itself when it is asked to, before it is made to.
_FAREWELL_SECONDS = 20
_TAIL_BYTES = 60_000
# What passes by itself: somebody reads the DuckDB file, BigQuery or the network is busy.
_PASSES = re.compile(
    r"Could not set lock on file|The DuckDB file is in use|rateLimitExceeded|quotaExceeded"
    r"|backendError|internalError|jobRateLimitExceeded"
    r"|Transaction is aborted due to concurrent update"
    r"|Could not serialize access|Service Unavailable|\b50[023] (?:Server|Bad|Internal)"
    r"|Connection (?:reset|aborted|refused)|Temporary failure in name resolution|Read timed out"
)


class StoppedError(Exception):
    """The run was asked to end.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (None when its time was over), and its last output."""

    exit_code: int | None
    tail: str
    seconds: float

    @property
    def passes(self) -> bool:
        """Whether what stopped it may be over in a while."""
        return self.exit_code not in (0, None) and bool(_PASSES.search(self.tail))


@contextmanager
def stopping_signals() -> Iterator[None]:
    """Raise StoppedError when the scheduler or the keyboard asks the run to end."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise StoppedError(number)

    before: dict[int, Any] = {}
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        before[int(number)] = signal.signal(number, stop)
    try:
        yield
    finally:
        for restored, handler in before.items():
            signal.signal(restored, handler)


def command_line(arguments: Sequence[str]) -> list[str]:
    """A command of a stage as it is started: in this Python, found or not on the path."""
    if arguments[0] == "dbt":
        return [sys.executable, "-m", "dbt.cli.main", *arguments[1:]]
    return [sys.executable, "-m", "microconv", *arguments]


@dataclass(frozen=True)
class Runner:
    """Starts commands.

    Args:
        folder: Where they run.
        environment: Theirs.
        inherited: Descriptors they inherit, such as that of the run's lock.
        clock: Whose time.
        is_echoed: Whether their output is also shown.
    """

    folder: Path
    environment: Mapping[str, str]
    inherited: tuple[int, ...]
    clock: Clock
    is_echoed: bool = False

    def run(self, arguments: Sequence[str], limit: float, output: Path) -> Ended:
        """Run a command to its end, or to that of its time.

        Args:
            arguments: As in a stage.
            limit: Seconds.
            output: The file that takes what it prints, added to.

        Raises:
            StoppedError: The run is asked to end; the command was ended before.
        """
        deadline = Deadline(self.clock, limit)
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as written, output.open("rb") as shown:
            begin = written.tell()
            shown.seek(begin)
            process = subprocess.Popen(
                command_line(arguments),
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                pass_fds=self.inherited,
            )
            try:
                while process.poll() is None and deadline.left() > 0:
                    self._echo(shown)
                    self.clock.sleep(_LOOK_SECONDS)
            finally:
                # When time is over, or the run itself is asked to end.
                is_late = process.poll() is None
                if is_late:
                    _end(process)
            self._echo(shown)
        exit_code = None if is_late else process.returncode
        return Ended(exit_code, _tail(output, begin), limit - deadline.left())

    def _echo(self, shown: Any) -> None:
        fresh = shown.read() if self.is_echoed else b""
        if fresh:
            lines = fresh.decode(errors="replace").split("\n")
            sys.stdout.write("\n".join(printable(line) for line in lines))
            sys.stdout.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_FAREWELL_SECONDS)
    except (subprocess.TimeoutExpired, StoppedError) as error:  # or asked once more
        process.kill()
        process.wait()
        if isinstance(error, StoppedError):
            raise


def _tail(path: Path, begin: int) -> str:
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(begin, end - _TAIL_BYTES))
        return file.read().decode(errors="replace")
