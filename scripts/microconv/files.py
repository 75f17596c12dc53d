"""Writes files for people: all or nothing, and for their owner's eyes only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from microconv.errors import MicroconvError


def write_file(text: str, out: Path, remedy: str = "Name another file with --out.") -> None:
    """Write all of it or nothing; only its owner may read it, since it may name visitors.

    Raises:
        MicroconvError: The file cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        fresh = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            fresh.replace(out)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise MicroconvError(f"{out} cannot be written: {error.strerror}.", remedy) from error
