"""Puts a day beside the weeks before it: how many rows were to be expected, and of which events."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from microconv.check.export_schema import ESSENTIAL
from microconv.validate.read import BASELINE_DAYS, Key, Profile

MINIMUM_DAYS = 7
"""Fewer earlier days than a week say nothing of what a day should be."""
# Days differ from one another by this much (of the logarithm) however quiet the weeks before were.
_LEAST_SPREAD = 0.1
# A normal distribution's standard deviation per median absolute deviation.
_SIGMA_OF_MAD = 1.4826

Measure = str | int | float | date | None
Row = dict[str, Measure]


@dataclass(frozen=True)
class Measures:
    """What the contract judges, as rows.

    Args:
        tables: A row per table of the window.
        days: A row per judged date.
        window: A row per property, its judged dates together.
        events: A row per judged date and event name of the weeks before.
        catalog: A row per conversion whose rules name events.
        untold: Judged dates with too few days before them to be compared.
    """

    tables: list[Row]
    days: list[Row]
    window: list[Row]
    events: list[Row]
    catalog: list[Row]
    untold: list[Key]

    def frame(self, name: str) -> list[Row]:
        """The rows of one frame by its name."""
        return {
            "tables": self.tables,
            "days": self.days,
            "window": self.window,
            "events": self.events,
            "catalog": self.catalog,
        }[name]


def measure(
    profile: Profile, catalogued: Mapping[str, Collection[str]], expected_date: date | None
) -> Measures:
    """Compare every judged date with the weeks before it.

    Args:
        profile: What was counted.
        catalogued: Event names that the rules of a conversion name, by conversion.
        expected_date: The date that the newest day should have; None not to ask.
    """
    counted = {(str(row["property_id"]), row["event_date"]): row for row in profile.days}
    last = dict(sorted(profile.judged))
    days: list[Row] = []
    events: list[Row] = []
    untold: list[Key] = []
    for of, day in profile.judged:
        earlier = _earlier(profile.row_counts(of), day)
        mix = profile.mix.get((of, day), {})
        row = _day(profile, of, day, mix, earlier) | _counts(counted.get((of, day)))
        row["days_late"] = (expected_date - day).days if expected_date and day == last[of] else None
        days.append(row)
        if len(earlier) < MINIMUM_DAYS:
            untold.append((of, day))
            continue
        before = _pooled(profile, of, earlier)
        row["mix_divergence"] = divergence(mix, before) if mix else None
        events += _events(of, day, mix, before)
    return Measures(
        _tables(profile), days, _window(days), events, _catalog(profile, catalogued), untold
    )


def _day(
    profile: Profile, of: str, day: date, mix: Mapping[str, int], earlier: Mapping[date, int]
) -> Row:
    lost = _lost(profile, of, day, earlier)
    essential = _lacks_essential(profile.lacking.get((of, day), ()))
    return {
        "property_id": of,
        "event_date": day,
        "baseline_day_count": len(earlier),
        **_volume(sum(mix.values()), day, earlier),
        "lost_fields": ", ".join(lost),
        "lost_field_count": len(lost),
        "lacking_essential_fields": ", ".join(essential),
        "lacking_essential_count": len(essential),
        "mix_divergence": None,
    }


def _counts(record: Mapping[str, Any] | None) -> Row:
    """Counts of a date; of one without rows, nothing but that."""
    if record is None:
        return {"row_count": 0}
    row = {name: int(value) for name, value in record.items() if name.endswith("_count")}
    row["lacks_visitor_count"] = row["row_count"] - row["is_identified_count"]
    row["is_timed_count"] = row["row_count"] - row["lacks_time_count"]
    return dict(row)


def _window(days: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Counts of purchases over all judged dates of a property: on one day there are often few."""
    found: dict[str, dict[str, Any]] = {}
    for day in days:
        row = found.setdefault(str(day["property_id"]), {"property_id": day["property_id"]})
        for name in ("is_purchase_count", "lacks_order_count", "lacks_revenue_count"):
            row[name] = int(row.get(name) or 0) + int(day.get(name) or 0)
    return list(found.values())


def _earlier(counts: Mapping[date, int], day: date) -> dict[date, int]:
    """Rows of the dates in the weeks before a day."""
    first = day - timedelta(days=BASELINE_DAYS)
    return {other: count for other, count in counts.items() if first <= other < day}


def _volume(count: int, day: date, earlier: Mapping[date, int]) -> Row:
    """Rows against the median of the same weekday, and how unusual that is.

    The spread is that of the logarithms of the days before, each against its own weekday, by their
    median absolute deviation (Rousseeuw and Croux 1993), so that one odd day does not hide the
    next.
    """
    row: Row = dict.fromkeys(("expected_row_count", "volume_ratio", "volume_z"))
    if len(earlier) < MINIMUM_DAYS or not count:
        return row  # that a day is empty, a rule of its own says
    expected = _usual(day, earlier)
    ratio = count / expected
    apart = [
        math.log(value / _usual(other, {d: c for d, c in earlier.items() if d != other}))
        for other, value in earlier.items()
    ]
    center = statistics.median(apart)
    spread = _SIGMA_OF_MAD * statistics.median(abs(one - center) for one in apart)
    row["expected_row_count"], row["volume_ratio"] = expected, ratio
    row["volume_z"] = math.log(ratio) / max(spread, _LEAST_SPREAD, 1 / math.sqrt(expected))
    return row


def _usual(day: date, earlier: Mapping[date, int]) -> float:
    """The median of the same weekday; of all days where that was not seen yet."""
    same = [count for other, count in earlier.items() if other.weekday() == day.weekday()]
    return statistics.median(same or earlier.values())


def _pooled(profile: Profile, of: str, days: Collection[date]) -> dict[str, int]:
    found: dict[str, int] = {}
    for day in days:
        for name, count in profile.mix[of, day].items():
            found[name] = found.get(name, 0) + count
    return found


def divergence(mix: Mapping[str, int], before: Mapping[str, int]) -> float:
    """Kullback-Leibler divergence of a day's event names from those before, in nats.

    Half a row is added to every name before, so that a new name is finite; what chance alone gives
    a day of this size, (names - 1) / (2 rows), is taken off (Miller 1955).
    """
    names = mix.keys() | before.keys()
    rows, rows_before = sum(mix.values()), sum(before.values()) + len(names) / 2
    total = sum(
        count / rows * math.log(count / rows * rows_before / (before.get(name, 0) + 0.5))
        for name, count in mix.items()
        if count
    )
    return max(total - (len(names) - 1) / (2 * rows), 0.0)


def _events(of: str, day: date, mix: Mapping[str, int], before: Mapping[str, int]) -> list[Row]:
    """What each name of the weeks before was to be expected on a day, by its share of the rows."""
    rows, rows_before = sum(mix.values()), sum(before.values())
    return [
        {
            "property_id": of,
            "event_date": day,
            "event_name": name,
            "row_count": mix.get(name, 0),
            "expected_row_count": count / rows_before * rows,
            "event_ratio": mix.get(name, 0) / (count / rows_before * rows),
        }
        for name, count in sorted(before.items())
        if rows
    ]


def _catalog(profile: Profile, catalogued: Mapping[str, Collection[str]]) -> list[Row]:
    """How often the events of each conversion are in the whole window, whatever else it asks."""
    return [
        {
            "conversion_name": conversion,
            "event_names": ", ".join(sorted(names)),
            "row_count": sum(
                counts.get(name, 0) for counts in profile.mix.values() for name in names
            ),
            "window_row_count": sum(sum(counts.values()) for counts in profile.mix.values()),
        }
        for conversion, names in sorted(catalogued.items())
    ]


def _lost(profile: Profile, of: str, day: date, earlier: Collection[date]) -> Sequence[str]:
    """Fields that most days before had in a fitting type, and this day has not.

    Of tables of the same kind: Google leaves some fields out of intraday tables.
    """
    kind = profile.kinds.get((of, day))
    before = [
        set(profile.lacking.get((of, other), ()))
        for other in earlier
        if profile.kinds.get((of, other)) == kind
    ]
    return [
        field
        for field in profile.lacking.get((of, day), ())
        if sum(field not in lacking for lacking in before) * 2 > len(before)
    ]


def _lacks_essential(lacking: Collection[str]) -> list[str]:
    """Of lacking fields those without which there is no event."""
    return [
        field
        for field in lacking
        if field.split(" ")[0] in ESSENTIAL or field.split(" ")[0] == "event_params.key"
    ]


def _tables(profile: Profile) -> list[Row]:
    """A row per table, with the dates missing between the one before and its own."""
    found: list[Row] = []
    dates = sorted({(one.property_id, one.event_date) for one in profile.tables})
    gaps = {
        (of, day): (day - before).days - 1 if own == of else 0
        for (own, before), (of, day) in pairwise(dates)
    }
    same: dict[tuple[str, date, str], int] = {}
    for one in profile.tables:
        key = one.property_id, one.event_date, one.kind
        same[key] = same.get(key, 0) + 1
    for one in profile.tables:
        found.append(
            {
                "property_id": one.property_id,
                "event_date": one.event_date,
                "kind": one.kind,
                "name": one.name,
                "same_kind_count": same[one.property_id, one.event_date, one.kind],
                "missing_day_count": gaps.get((one.property_id, one.event_date), 0),
            }
        )
    return found
