"""Reads daily rates at an unchanging mix of traffic, and how long single visitors take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from microconv.aggregates.cells import by_micro, columns_of
from microconv.aggregates.literals import literal
from microconv.evidence.quantities import Bools, Ints
from microconv.watching.alerts import LAG_DAYS
from microconv.watching.lead_lag_series import standardised
from microconv.watching.series import DailyRate
from microconv.writing import beside

if TYPE_CHECKING:
    from microconv.profile import Warehouse

_EPOCH = date(1970, 1, 1)
_PROFILES = "evidence_micro_conversions"


@dataclass(frozen=True)
class DailyRates:
    """The rate of each conversion by day, sessions with it over all that began.

    Args:
        rates: By conversion, from its first usable day to its last; days that say nothing of
            visitors are unknown.
        holidays: Days of which nothing is concluded.
    """

    rates: Mapping[str, DailyRate]
    holidays: frozenset[date]


@dataclass(frozen=True)
class Delay:
    """How long visitors take from a micro- to a macro-conversion.

    Args:
        median_seconds: Within which half of those who got there did; None if no funnel says.
        reached: How many got there.
        funnel: Where that is seen.
        onset_days: From how many days after it on the odds of the next step are clear of 1, as
            `correlate` found; None if it found none, or has not run.
    """

    median_seconds: float | None = None
    reached: float = 0.0
    funnel: str = ""
    onset_days: float | None = None


def read_rates(warehouse: Warehouse, as_of: date) -> DailyRates:
    """All conversions; the newest days, which Google still changes, are left out."""
    until = as_of - timedelta(days=LAG_DAYS)
    batches = warehouse.run_batches(f"""
        select
            conversion_name as micro_name,
            conversion_date,
            device_category,
            channel_group,
            converting_session_count,
            session_count,
            is_usable,
            is_holiday
        from {warehouse.relation("mart_daily_rates")}
        where conversion_date <= {literal(until, warehouse.is_duckdb)}
        order by conversion_name
    """)
    rates: dict[str, DailyRate] = {}
    holidays: set[date] = set()
    for name, parts in by_micro(batches):
        frame = columns_of(parts)
        days = frame["conversion_date"].astype("datetime64[D]").astype(np.int64)
        holidays.update(map(_day, days[frame["is_holiday"].astype(bool)].tolist()))
        found = _rate(frame, days)
        if found is not None:
            rates[name] = found
    return DailyRates(rates, frozenset(holidays))


def read_delays(warehouse: Warehouse, macro: str) -> dict[str, Delay]:
    """By micro-conversion, from the velocity of funnels and from what `correlate` wrote."""
    name = literal(macro, warehouse.is_duckdb)
    found: dict[str, Delay] = {}
    for row in warehouse.run_query(f"""
        select
            from_conversion_name,
            funnel_name,
            reached_count,
            median_seconds_given_reached
        from {warehouse.relation("mart_funnel_velocity")}
        where to_conversion_name = {name}
            and period_grain = 'all'
            and segment_dimension = 'all'
            and median_seconds_given_reached is not null
        order by reached_count, funnel_name
    """):
        # The funnel in which most got there speaks.
        found[str(row["from_conversion_name"])] = Delay(
            float(row["median_seconds_given_reached"]),  # type: ignore[arg-type]
            float(row["reached_count"] or 0),  # type: ignore[arg-type]
            str(row["funnel_name"]),
        )
    for micro, onset in _onsets(warehouse, name).items():
        known = found.get(micro, Delay())
        found[micro] = Delay(known.median_seconds, known.reached, known.funnel, onset)
    return found


def _onsets(warehouse: Warehouse, macro: str) -> dict[str, float]:
    table = beside(warehouse, _PROFILES)
    if not warehouse.has(table):
        return {}
    rows = warehouse.run_query(f"""
        select micro_name, effect_onset_days
        from {table}
        where macro_name = {macro}
            and effect_onset_days is not null
    """)
    return {str(row["micro_name"]): float(row["effect_onset_days"]) for row in rows}  # type: ignore[arg-type]


def _rate(frame: dict[str, Any], days: Ints) -> DailyRate | None:
    """The standardised rate between the first and the last usable day; None without any."""
    is_usable = frame["is_usable"].astype(bool)
    usable = set(days[is_usable].tolist())
    if not usable:
        return None
    rate = standardised(_segments(frame, days))
    first, last = (_day(one) for one in (min(usable), max(usable)))
    kept = slice(rate.place(first), rate.place(last) + 1)
    cut = DailyRate(first, rate.successes[kept], rate.trials[kept])
    unusable = set(days[~is_usable].tolist()) - usable
    return cut.without([_day(one) for one in unusable])


def _segments(frame: dict[str, Any], days: Ints) -> list[DailyRate]:
    places = np.column_stack([frame["device_category"].codes, frame["channel_group"].codes])
    _, segment = np.unique(places, axis=0, return_inverse=True)
    order = np.argsort(segment.reshape(-1), kind="stable")
    edges: Bools = np.diff(segment.reshape(-1)[order]) != 0
    return [
        DailyRate.from_rows(
            [_day(one) for one in days[rows].tolist()],
            frame["converting_session_count"][rows],
            frame["session_count"][rows],
        )
        for rows in np.split(order, np.flatnonzero(edges) + 1)
    ]


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)
