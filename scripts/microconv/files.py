"""Writes files: all or nothing, also when the process is killed; those for people for their owner
only.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import tempfile
from pathlib import Path

from microconv.errors import MicroconvError

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700
_FRESH = ".fresh"


def write_file(text: str, out: Path, remedy: str = "Name another file with --out.") -> None:
    """Write all of it or nothing; only its owner may read it, since it may name visitors.

    Raises:
        MicroconvError: The file cannot be written.
    """
    # A rename would put a file in the place of a device such as /dev/null.
    if out.exists() and not out.is_file():
        raise MicroconvError(f"{out} cannot be written: it is no file.", remedy)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        replace_file(text.encode("utf-8"), out, OWNER_ONLY)
    except OSError as error:
        raise MicroconvError(f"{out} cannot be written: {error.strerror}.", remedy) from error


def replace_file(content: bytes, out: Path, mode: int | None = None) -> None:
    """Put a file in the place of another in one step; who reads sees the old or the new one.

    Args:
        content: All of it.
        out: Where; its folder is there.
        mode: Its permissions; None for those of the file it replaces, or what is usual.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    _remove_abandoned(out)
    handle, fresh = _begun(out)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), _mode_of(out) if mode is None else mode)
            # On the disk before it has its name, since the machine may stop too.
            file.flush()
            os.fsync(file.fileno())
            fresh.replace(out)
    finally:
        fresh.unlink(missing_ok=True)


def _begun(out: Path) -> tuple[int, Path]:
    """A fresh file beside another, locked for as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=_FRESH, dir=out.parent)
        with contextlib.suppress(OSError):  # some network file systems know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # somebody took it for abandoned before it was locked


def _remove_abandoned(out: Path) -> None:
    """Remove what a killed process left half: nobody holds its lock."""
    for path in out.parent.glob(f".{glob.escape(out.name)}.*{_FRESH}"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _mode_of(out: Path) -> int:
    if out.exists():
        return out.stat().st_mode & 0o777
    usual = os.umask(0)
    os.umask(usual)
    return 0o666 & ~usual
