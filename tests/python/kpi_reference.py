"""KPIs counted slowly from the facts: every unit looked at by itself."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from microconv.evidence.proportions import wilson
from microconv.evidence.ratios import mover_risk_ratio

DAY = timedelta(days=1)
MINIMUM, BUCKETS, LEAST_BUCKETS = 30, 20, 10
Record = dict[str, Any]
Cell = tuple[str, date | None, str, str]
"""Grain, start, dimension and value."""


@dataclass(frozen=True)
class Facts:
    """Sessions and conversions that count, and the end of the loaded days."""

    sessions: list[Record]
    conversions: list[Record]
    as_of: date

    @property
    def session_of(self) -> dict[str, Record]:
        return {session["session_id"]: session for session in self.sessions}


@dataclass(frozen=True)
class Unit:
    """What a KPI counts: where it belongs and what it counts with; without an outcome not yet."""

    visitor_id: str
    session: Record | None
    day: date
    amount: float
    is_base: bool = True
    is_mature: bool = True


@dataclass(frozen=True)
class Value:
    numerator: float
    denominator: float
    value: float | None
    low: float | None
    high: float | None
    immature: int


def values_of(kpi: Record, facts: Facts) -> dict[Cell, Value]:
    """The value of a KPI in every period and segment that has units."""
    cells: dict[Cell, list[Unit]] = defaultdict(list)
    for unit in _units(kpi, facts):
        for cell in _cells(unit):
            cells[cell].append(unit)
    if (kpi["unit"], kpi["denominator"]) == ("visitor", "all"):
        cells = {cell: _once_per_visitor(units) for cell, units in cells.items()}
    return {cell: _value(kpi, units) for cell, units in cells.items()}


def _units(kpi: Record, facts: Facts) -> list[Unit]:
    if kpi["unit"] == "occurrence":
        return [
            Unit(one["visitor_id"], facts.session_of.get(one["session_id"]), one["day"], amount)
            for one in facts.conversions
            if one["conversion_name"] == kpi["denominator"]
            and (amount := one[kpi["numerator"]]) is not None
        ]
    if kpi["unit"] == "visitor" and kpi["denominator"] != "all":
        return _watched_visitors(kpi, facts)
    return _sessions(kpi, facts)


def _sessions(kpi: Record, facts: Facts) -> list[Unit]:
    happened: dict[str, list[str]] = defaultdict(list)
    for one in facts.conversions:
        happened[one["session_id"]].append(one["conversion_name"])
    units = []
    for session in facts.sessions:
        names = happened[session["session_id"]]
        names = [*names, *(["engaged"] if session["is_engaged"] else [])]
        for asked in (kpi["numerator"], kpi["denominator"]):
            if asked.startswith("pages:") and session["page_view_count"] >= int(asked[6:]):
                names.append(asked)
        found = [name for name in names if name in kpi["numerator"].split("|")]
        is_base = kpi["denominator"] == "all" or kpi["denominator"] in names
        if is_base or kpi["measure"] == "times":
            units.append(
                Unit(
                    session["visitor_id"],
                    session,
                    session["session_date"],
                    _amount(kpi, found),
                    is_base,
                )
            )
    return units


def _watched_visitors(kpi: Record, facts: Facts) -> list[Unit]:
    visits: dict[str, list[Record]] = defaultdict(list)
    for one in sorted(facts.sessions, key=lambda one: (one["started_at"], one["session_id"])):
        visits[one["visitor_id"]].append(one)
    histories: dict[str, list[Record]] = defaultdict(list)
    for one in sorted(facts.conversions, key=lambda one: one["occurred_at"]):
        histories[one["visitor_id"]].append(one)
    units = []
    for visitor in visits.keys() | histories.keys():
        start = _start(kpi["denominator"], visits[visitor], histories[visitor])
        if start is None:
            continue
        moment, day, session = start
        until = moment + kpi["within_days"] * DAY
        found = [
            (one["occurred_at"], one["conversion_name"])
            for one in histories[visitor]
            if one["conversion_name"] in kpi["numerator"].split("|")
            and moment <= one["occurred_at"] <= until
        ]
        if kpi["numerator"] == "return":
            found = [
                (visit["started_at"], "return")
                for visit in visits[visitor]
                if visit is not session and moment <= visit["started_at"] <= until
            ]
        is_mature = day + (1 + kpi["within_days"]) * DAY <= facts.as_of + DAY
        amount = _amount(kpi, [name for _, name in found])
        if kpi["measure"] == "mean_days":
            amount = (min(found)[0] - moment) / DAY if found else 0.0
        is_base = bool(found) or kpi["measure"] != "mean_days"
        units.append(Unit(visitor, session, day, amount, is_base, is_mature))
    return units


def _start(
    denominator: str, visits: list[Record], history: list[Record]
) -> tuple[datetime, date, Record | None] | None:
    if denominator == "new_visitors" or denominator.startswith("return:"):
        if not visits or not visits[0]["is_new_visitor"]:
            return None
        if denominator == "new_visitors":
            return visits[0]["started_at"], visits[0]["session_date"], visits[0]
        days = int(denominator[7:]) * DAY
        if len(visits) < 2 or visits[1]["started_at"] - visits[0]["started_at"] > days:
            return None
        return visits[1]["started_at"], visits[1]["session_date"], visits[1]
    first = next((one for one in history if one["conversion_name"] == denominator), None)
    if first is None:
        return None
    here = [one for one in visits if one["session_id"] == first["session_id"]]
    return first["occurred_at"], first["day"], here[0] if here else None


def _amount(kpi: Record, found: list[str]) -> float:
    if kpi["measure"] in ("share", "times"):
        return float(bool(found))
    return float(len(set(found)) if kpi["measure"] == "distinct" else len(found))


def _cells(unit: Unit) -> list[Cell]:
    monday = unit.day - unit.day.weekday() * DAY
    known = unit.session or {}
    return [
        (grain, start, dimension, value)
        for grain, start in (("all", None), ("week", monday), ("day", unit.day))
        for dimension, value in (
            ("all", "all"),
            ("device_category", known.get("device_category") or "(unknown)"),
            ("channel_group", known.get("channel_group") or "(unknown)"),
        )
    ]


def _once_per_visitor(units: list[Unit]) -> list[Unit]:
    best: dict[str, Unit] = {}
    for unit in units:
        if unit.visitor_id not in best or unit.amount > best[unit.visitor_id].amount:
            best[unit.visitor_id] = unit
    return list(best.values())


def _value(kpi: Record, units: list[Unit]) -> Value:
    immature = sum(not unit.is_mature for unit in units)
    base = [unit for unit in units if unit.is_base and unit.is_mature]
    rest = [unit for unit in units if not unit.is_base and unit.is_mature]
    total, count = sum(unit.amount for unit in base), len(base)
    if kpi["measure"] == "times":
        converted = sum(unit.amount for unit in rest)
        if min(count, len(rest)) < MINIMUM:
            return Value(0, 0, None, None, None, immature)
        times = mover_risk_ratio(total, count, converted, len(rest))
        value, low, high = (times.value, times.low, times.high) if converted else (None,) * 3
        return Value(total / count, converted / len(rest), value, low, high, immature)
    if kpi["measure"] == "share":
        rate = wilson(total, count)
        value, low, high = (rate.value, rate.low, rate.high) if count >= MINIMUM else (None,) * 3
        return Value(total, count, value, low, high, immature)
    value, low, high = _mean(base)
    return Value(total, count, value, low, high, immature)


def _mean(base: list[Unit]) -> tuple[float | None, float | None, float | None]:
    count = len(base)
    buckets: dict[int, list[float]] = defaultdict(list)
    for unit in base:
        buckets[_bucket(unit.visitor_id)].append(unit.amount)
    if count < MINIMUM or len(buckets) < LEAST_BUCKETS:
        return None, None, None
    mean = sum(unit.amount for unit in base) / count
    if mean == 0:
        return 0.0, 0.0, 3.69 / count
    squares = sum((sum(one) - len(one) * mean) ** 2 for one in buckets.values())
    error = (squares * len(buckets) / (len(buckets) - 1)) ** 0.5 / count
    margin = error * (2.093 if len(buckets) == BUCKETS else 2.262)
    return mean, max(mean - margin, 0.0), mean + margin


def _bucket(visitor_id: str) -> int:
    digest = hashlib.md5(visitor_id.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) % 4096 % BUCKETS
