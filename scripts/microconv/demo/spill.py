"""Where records wait for their day: one file of raw records per local day, in a work directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from microconv.demo.local_time import local_day_numbers
from microconv.demo.records import RECORD, Records


class Spill:
    """Appends records to their local day's file and reads a finished day back in slices."""

    def __init__(self, directory: Path, first_day: int, last_day: int) -> None:
        self._directory = directory
        self._first_day = first_day
        self._last_day = last_day

    def _path(self, day: int) -> Path:
        return self._directory / f"{day}.records"

    def add(self, records: Records) -> None:
        """File `records` under their local days; days outside the export are dropped."""
        if not len(records):
            return
        day = local_day_numbers(records["timestamp"])
        order = np.argsort(day, kind="stable")
        day = day[order]
        wanted = np.arange(max(int(day[0]), self._first_day), min(int(day[-1]), self._last_day) + 1)
        bounds = np.searchsorted(day, np.append(wanted, wanted[-1:] + 1))
        for number, start, stop in zip(wanted, bounds[:-1], bounds[1:], strict=True):
            if stop > start:
                with self._path(int(number)).open("ab") as file:
                    records[order[start:stop]].tofile(file)

    def slices(self, day: int, size: int) -> Iterator[Records]:
        """The day's records, at most `size` at a time."""
        path = self._path(day)
        if not path.exists():
            return
        with path.open("rb") as file:
            while len(part := np.fromfile(file, dtype=RECORD, count=size)):
                yield part

    def discard(self, day: int) -> None:
        """Forget a day that is written."""
        self._path(day).unlink(missing_ok=True)
