"""Writes the tables of one local day: daily, intraday or both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from microconv.demo import settings
from microconv.demo.columns import TableEncoder
from microconv.demo.local_time import (
    MICROSECONDS,
    SECONDS_PER_DAY,
    day_number,
    local_to_utc_seconds,
)
from microconv.demo.rows import NULL_NAME, rows_of
from microconv.demo.schema import EXPORT_SCHEMA, INTRADAY_SCHEMA, encoded_schema
from microconv.demo.settings import Calendar, DemoOptions
from microconv.demo.site import Site
from microconv.demo.spill import Spill
from microconv.demo.tally import TableCount, Tally

_MAX_WAITING_TABLES = 2


class Background:
    """Runs writes in one thread, in order, with few of them waiting.

    Arrow encodes without the interpreter lock, so the next slice is computed meanwhile.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[Future[Any]] = deque()

    def __enter__(self) -> Background:
        return self

    def run(self, task: Callable[..., Any], *arguments: object) -> None:
        """Queue `task`; raises what an earlier task raised."""
        while len(self._waiting) >= _MAX_WAITING_TABLES:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(task, *arguments))

    def finish(self) -> None:
        """Wait for everything queued; raises what a task raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)


class DayWriter:
    """Turns the spilled records of a day into its tables in `directory` and counts them."""

    def __init__(
        self,
        options: DemoOptions,
        calendar: Calendar,
        directory: Path,
        background: Background,
        site: Site,
    ) -> None:
        self._options = options
        self._events = site.events
        self._encoder = TableEncoder(site)
        self._calendar = calendar
        self._directory = directory
        self._background = background
        self.tally = Tally(site)

    def write(self, day: date, spill: Spill) -> None:
        """Write the tables that the export holds for `day`, if it was delivered at all."""
        delivered = self._options.delivered_through
        if delivered is not None and day > delivered:
            return
        kinds = self._kinds(day)
        counts = {kind: TableCount(_file_name(kind, day), day.isoformat(), kind) for kind in kinds}
        writers = {kind: self._open(counts[kind].file, kind) for kind in kinds}
        is_young = delivered is not None and (delivered - day).days < settings.LATE_DAYS
        lost_from = self._calendar.revenue_lost_from
        has_revenue = lost_from is None or day < lost_from
        malformed_kind: int | None = NULL_NAME + day_number(day) % 3
        for records in spill.slices(day_number(day), settings.SLICE_EVENTS):
            for place, kind in enumerate(kinds):
                part = (
                    records[records["timestamp"] < _cut_off(day)] if kind == "intraday" else records
                )
                rows, held_back = rows_of(
                    part, self._events, is_late_cut=is_young, malformed_kind=malformed_kind
                )
                counts[kind].add(rows, held_back)
                if place == 0:
                    self.tally.add(rows)
                table = self._encoder.table(rows, day, has_revenue)
                schema = INTRADAY_SCHEMA if kind == "intraday" else EXPORT_SCHEMA
                self._background.run(writers[kind].write_table, table.select(schema.names))
            malformed_kind = None
        for kind in kinds:
            self._background.run(writers[kind].close)
            self.tally.tables.append(counts[kind])

    def _kinds(self, day: date) -> tuple[str, ...]:
        """Kinds of table for a day, the one that counts first."""
        if (
            day == self._options.until
            and self._options.last_day_intraday
            and self._options.days > 1
        ):
            return ("intraday",)
        return ("daily", "intraday") if day == self._calendar.both_tables_on else ("daily",)

    def _open(self, name: str, kind: str) -> pq.ParquetWriter:
        schema = INTRADAY_SCHEMA if kind == "intraday" else EXPORT_SCHEMA
        return pq.ParquetWriter(
            self._directory / name,
            encoded_schema(schema),
            compression="snappy",
            # Statistics of 190 nested columns help no reader and cost a third of the writing time.
            write_statistics=["event_timestamp"],
            # Without Arrow's own schema in the file every reader sees plain strings.
            store_schema=False,
        )


def _file_name(kind: str, day: date) -> str:
    prefix = "events_intraday_" if kind == "intraday" else "events_"
    return f"{prefix}{day:%Y%m%d}.parquet"


def _cut_off(day: date) -> int:
    """UTC microsecond at which the streaming export of `day` was last seen."""
    local = day_number(day) * SECONDS_PER_DAY + settings.INTRADAY_UNTIL_HOUR * 3600
    return int(local_to_utc_seconds(np.array([local]))[0]) * MICROSECONDS
