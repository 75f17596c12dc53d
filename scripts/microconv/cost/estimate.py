"""The arithmetic of an estimate: rows × bytes per row, BigQuery's minimum, the price."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from microconv.cost.reads import EXPORT, WHOLE, Statement, TableRead

MIB = 2**20
TIB = 2**40
# BigQuery bills at least so much for each table that a query names, and for each query.
MINIMUM_BYTES = 10 * MIB
DAYS_OF_A_MONTH = 30
# Kinds of statements that may read metadata only, which is no table of the project.
_METADATA = ("question", "validate")


@dataclass(frozen=True)
class TableSize:
    """How large a table is.

    Args:
        growth: 'events' (rows grow with the events loaded), 'days' (with the days loaded), 'run'
            (with the events that a run reads) or 'fixed'.
        rows: Rows per event, per day or in all, as `growth` says.
        widths: Logical bytes per row of each column, on average; a dotted path is a record's field.
    """

    growth: str
    rows: float
    widths: Mapping[str, float] = field(default_factory=dict)

    def width(self, columns: Iterable[str]) -> float:
        """Bytes per row of some columns; what is unknown is never read, or always NULL."""
        if WHOLE in columns:
            return self.widths.get(WHOLE) or sum(self.widths.values())
        return sum(self.widths.get(column, 0.0) for column in columns)


@dataclass(frozen=True)
class Scenario:
    """A site: raw events a day, days of history, days that a daily run opens again."""

    events_per_day: float
    history_days: int
    open_days: int


@dataclass(frozen=True)
class Cost:
    """Billed bytes of statements of one name in one run; None where we cannot tell.

    `growing_bytes` is the part that is read of all of history and so grows from day to day.
    """

    run: str
    kind: str
    name: str
    statement_count: int
    billed_bytes: float | None
    growing_bytes: float | None


def costs(
    statements: Iterable[Statement], sizes: Mapping[str, TableSize], scenario: Scenario
) -> list[Cost]:
    """What each statement is billed for. A full run opens all of history."""
    found = []
    for one in statements:
        billed = growing = 0.0
        is_known = True
        for read in one.reads:
            size = sizes.get(read.table)
            if size is None:
                is_known = False
                break
            read_bytes = bytes_read(read, size, scenario, one.run == "full")
            billed += read_bytes
            # What is limited to open days stays, and so do lists and the minimum of a small table.
            if not read.is_limited and size.growth in ("events", "days") and one.run == "daily":
                growing += read_bytes if read_bytes > MINIMUM_BYTES else 0
        billed = max(billed, MINIMUM_BYTES if one.reads or one.kind in _METADATA else 0)
        found.append(
            Cost(
                one.run,
                one.kind,
                one.name,
                one.count,
                one.count * billed if is_known else None,
                one.count * growing if is_known else None,
            )
        )
    return found


def bytes_read(read: TableRead, size: TableSize, scenario: Scenario, is_full: bool) -> float:
    """Billed bytes of one table in one statement: whole MiB, at least the minimum.

    The export is a table per day, and each day counts as a table.
    """
    is_limited = read.is_limited and not is_full
    days = scenario.open_days + read.days_before if is_limited else scenario.history_days
    days = min(days, scenario.history_days)
    run_days = scenario.history_days if is_full else min(scenario.open_days, scenario.history_days)
    units = {
        "events": scenario.events_per_day * days,
        "days": float(days),
        "run": scenario.events_per_day * run_days,
        "fixed": 1.0,
    }
    wanted = size.rows * units[size.growth] * size.width(read.columns)
    if read.table == EXPORT:
        return days * _billed(wanted / days)
    return _billed(wanted)


def _billed(wanted: float) -> float:
    return max(math.ceil(wanted / MIB) * MIB, MINIMUM_BYTES)


def money(billed_bytes: float, price_per_tib: float) -> float:
    """What bytes cost, in the currency of the price."""
    return billed_bytes / TIB * price_per_tib


def total(found: Iterable[Cost], run: str) -> tuple[float, float, bool]:
    """Billed and growing bytes of a run, and whether every statement of it is in them."""
    of_run = [one for one in found if one.run == run]
    billed = sum(one.billed_bytes or 0 for one in of_run)
    growing = sum(one.growing_bytes or 0 for one in of_run)
    return billed, growing, all(one.billed_bytes is not None for one in of_run)
