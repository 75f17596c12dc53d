"""The directory a demo is written to: ours alone, filled in one go, never half.

Everything is written to a work directory inside it and then renamed file by file, so a failure
leaves an earlier demo as it was.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from microconv.demo.settings import DemoError, DemoWriteError

MARKER = "planted_truth.json"
GENERATOR_NAME = "microconv demo"
_WORK = ".demo_in_progress"


@contextmanager
def demo_folder(out_dir: Path) -> Iterator[Path]:
    """Yield a fresh work directory inside `out_dir`; publish its files when the block succeeds.

    Raises DemoError when `out_dir` is not ours to fill, DemoWriteError when writing fails.
    """
    _require_ours(out_dir)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with _locked(out_dir):
            work = out_dir / _WORK
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
                _publish(work, out_dir)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise DemoWriteError(f"Cannot write the demo to {out_dir}: {reason}.") from error


def _require_ours(out_dir: Path) -> None:
    if not out_dir.exists():
        return
    if not out_dir.is_dir():
        raise DemoError(f"{out_dir} is a file; choose a directory with --out.")
    occupied = any(path.name != _WORK for path in out_dir.iterdir())
    if occupied and _read_marker(out_dir) is None:
        raise DemoError(
            f"{out_dir} is not empty and holds no {MARKER} of an earlier demo; "
            "choose an empty directory with --out."
        )


def _read_marker(out_dir: Path) -> dict[str, Any] | None:
    """The truth file of an earlier demo, or None when there is none of ours."""
    try:
        marker = json.loads((out_dir / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if isinstance(marker, dict) and marker.get("generator") == GENERATOR_NAME:
        return marker
    return None


@contextmanager
def _locked(out_dir: Path) -> Iterator[None]:
    """Keep a second demo out of the same directory; the lock ends with the process."""
    handle = os.open(out_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoWriteError(f"Another demo is being written to {out_dir}.") from error
        yield
    finally:
        os.close(handle)


def _publish(work: Path, out_dir: Path) -> None:
    """Move the new files in, and remove tables that only the earlier demo had.

    The truth file goes first: it is what marks the directory as ours, should the rest be cut off.
    """
    earlier = _read_marker(out_dir) or {}
    (work / MARKER).replace(out_dir / MARKER)
    fresh = {path.name for path in work.glob("events_*.parquet")}
    for table in earlier.get("counts", {}).get("tables", []):
        name = Path(str(table["file"])).name
        if name not in fresh and name.startswith("events_"):
            (out_dir / name).unlink(missing_ok=True)
    for name in sorted(fresh):
        (work / name).replace(out_dir / name)
