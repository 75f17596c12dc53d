"""The days of a backfill, in parts that are built one after the other."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from microconv.daily.stages import Chunk
from microconv.errors import MicroconvError


def days_to_read(folder: Path, first: date, last: date, days_at_once: int) -> tuple[Chunk, ...]:
    """The days of a range whose export is there, in parts of so many.

    Raises:
        MicroconvError: The range is none, there is no export in it, or nobody can look.
    """
    from microconv.arrival.places import find_place

    if first > last:
        raise MicroconvError(
            f"{first} is after {last}.", "Write --from with the first day and --to with the last."
        )
    place = find_place(folder)
    days = sorted({one.day for one in place.shards() if first <= one.day <= last})
    if not days:
        raise MicroconvError(f"There is no export of {first} to {last} ({place}).")
    parts = [days[begin : begin + days_at_once] for begin in range(0, len(days), days_at_once)]
    return tuple(Chunk(part[0], part[-1]) for part in parts)
