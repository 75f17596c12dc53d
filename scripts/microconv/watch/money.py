"""What revenue per visit is made of: sales, those of them that come with revenue, and their size.

The second is tracking and no behaviour: a sale without revenue was paid all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import numpy as np

from microconv.evidence.quantities import Floats
from microconv.watch.metrics import (
    ALL,
    PAID_SALE_SHARE,
    REVENUE_PER_SALE,
    REVENUE_PER_VISIT,
    Metric,
)
from microconv.watch.read import SegmentRows
from microconv.watching.decomposition import SegmentCounts
from microconv.watching.units import SHARE

Rows = Mapping[str, Mapping[str, SegmentRows]]

VISIT, PAID, SALE = (
    Metric("revenue", name) for name in (REVENUE_PER_VISIT, PAID_SALE_SHARE, REVENUE_PER_SALE)
)
SALES_STEP, PAID_STEP, SIZE_STEP = (
    "Sales per visit",
    "Sales that come with revenue",
    "Revenue per sale",
)
STEPS = (SALES_STEP, PAID_STEP, SIZE_STEP)
UNITS = {SIZE_STEP: "usd"}

# Of a count that may exceed its trials, such as sales per visit, one is one.
_ONE = 1.0


def is_revenue(metric: Metric) -> bool:
    """Whether it is taken apart as revenue per visit."""
    return (metric.kind, metric.name) == (VISIT.kind, VISIT.name)


def factors(rows: Rows, metric: Metric, days: Collection[date]) -> list[float]:
    """Visits, sales, those with revenue, and revenue: each over the one before is a step."""
    columns = _columns(rows, metric.dimension, days, [metric.value])
    return [float(column[0]) for column in columns]


def segments_of_step(
    rows: Rows, place: int, before: Collection[date], after: Collection[date]
) -> list[SegmentCounts]:
    """Segments of those at the step before, of every dimension."""
    found = []
    for name in sorted(rows.get(VISIT.key, {}).keys() - {ALL}):
        values = sorted(rows[VISIT.key][name].values)
        old, new = (_columns(rows, name, days, values) for days in (before, after))
        portion, unit = (None, SHARE) if STEPS[place] == PAID_STEP else (_ONE, SHARE)
        if STEPS[place] == SIZE_STEP:
            portion, unit = portion_of(rows, SALE, [*before, *after]), UNITS[SIZE_STEP]
        counts = (old[place], old[place + 1], new[place], new[place + 1])
        found.append(SegmentCounts(name, tuple(values), *counts, portion, unit))
    return found


def portion_of(rows: Rows, metric: Metric, days: Collection[date]) -> float | None:
    """What swings like one of a count, over all of these days; None of a proportion."""
    whole = rows.get(metric.key, {}).get(ALL)
    if whole is None or whole.variances is None:
        return None
    total = float(whole.of_days(days)[0].sum())
    variance = whole.variance_of_days(days)
    return variance / total if total > 0 and variance > 0 else None


def _columns(
    rows: Rows, dimension: str, days: Collection[date], values: Sequence[str]
) -> list[Floats]:
    def column(metric: Metric, place: int) -> Floats:
        one = rows.get(metric.key, {}).get(dimension)
        if one is None:
            return np.zeros(len(values))
        known = dict(zip(one.values, one.of_days(days)[place].tolist(), strict=True))
        return np.array([known.get(value, 0.0) for value in values])

    return [column(VISIT, 1), column(PAID, 1), column(SALE, 1), column(VISIT, 0)]
