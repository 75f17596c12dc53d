"""One run at a time: a lock of the operating system, which dies with whoever holds it.

The stages inherit it. A run that is killed so leaves no lock behind, but one of its stages that
still writes holds it until it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from microconv.clock import Clock, Deadline, in_words
from microconv.errors import BUSY, MicroconvError

_LOOK_SECONDS = 1.0


@contextmanager
def run_lock(path: Path, run_id: str, patience: float, clock: Clock) -> Iterator[int]:
    """Hold the lock.

    Args:
        path: The lock's file. It is never removed: another run may wait for it.
        run_id: Written into it, for whoever is refused.
        patience: Seconds to wait for another run to end.
        clock: Whose time.

    Yields:
        The descriptor that stages must inherit.

    Raises:
        MicroconvError: Another run is going, or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise MicroconvError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        _take(descriptor, path, patience, clock)
        holder = {"run_id": run_id, "pid": os.getpid(), "since": clock.now().isoformat()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, patience: float, clock: Clock) -> None:
    deadline = Deadline(clock, patience)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            left = deadline.left()
        if left <= 0:
            raise MicroconvError(
                f"Another daily run is going: {_holder(path)}"
                f"{f'; it did not end within {in_words(patience)}' if patience else ''}.",
                "Let it end, or wait for it with --queue 2h.",
                BUSY,
            )
        clock.sleep(min(_LOOK_SECONDS, left))


def _holder(path: Path) -> str:
    """Who holds the lock, as far as the file says; it may be a stage of a run that was killed."""
    try:
        said = json.loads(path.read_bytes())
        return (
            f"{said['run_id']} (process {said['pid']} or a stage it began), since {said['since']}"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return f"somebody holds {path}"
