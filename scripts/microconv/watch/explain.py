"""What a change consists of: volume or rate, which step, mix or rate, which segment, and guards."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.watch import money
from microconv.watch.judge import Alert, Judged
from microconv.watch.metrics import ALL, REVENUE_PER_SALE, Foundations, Metric
from microconv.watch.read import SegmentRows
from microconv.watching import (
    Diagnosis,
    Direction,
    GuardPair,
    VolumeAndRate,
    diagnose,
    funnel_parts,
    guard_pair,
    mean_change,
    rate_change,
    volume_and_rate,
)
from microconv.watching.decomposition import SegmentCounts
from microconv.watching.diagnosis import MOSTLY
from microconv.watching.diagnosis import Step as StepPart
from microconv.watching.scores import BASELINE_WEEKS, WEEK
from microconv.watching.units import SHARE

Rows = money.Rows

# Of the dimensions that are counted, those that a diagnosis looks into.
DIMENSIONS = (
    *("device_category", "channel_group", "landing_page_path", "visitor_type", "country"),
    "browser",
)


_COUNTED = {REVENUE_PER_SALE: "sales"}


@dataclass(frozen=True)
class Periods:
    """The days of a change, and the same weekdays of the four weeks before them."""

    before: frozenset[date]
    after: frozenset[date]


@dataclass(frozen=True)
class Guard:
    """What should have risen with a micro-conversion, and whether it did; `label` names it."""

    label: str
    pair: GuardPair


@dataclass(frozen=True)
class Explanation:
    """What is known of a change.

    Args:
        periods: The days that were compared.
        volume: Of the count of conversions: by visits, by rate. Per week of the days before.
        steps: Parts of the steps of the funnel that leads there; none without such a funnel.
        step: The step that the change mostly comes from, which is then taken apart; None if the
            rate itself is.
        diagnosis: Mix or rates, by segment.
        counted: What the rate or mean is of, such as visits.
        unit: Of the rate or mean.
        guards: For a micro-conversion that rose: the next step, and revenue; else none.
    """

    periods: Periods
    volume: VolumeAndRate | Refusal
    steps: tuple[StepPart, ...]
    step: StepPart | None
    diagnosis: Diagnosis | Refusal
    guards: tuple[Guard, ...]
    counted: str = "visits"
    unit: str = SHARE

    @property
    def measure(self) -> str:
        """What the alert is about, in a word."""
        return "rate" if self.unit == SHARE else "mean"


def periods_of(alert: Alert) -> Periods:
    """The days that the rules look at, and the same weekdays of the four weeks before each."""
    last, suspect = alert.watch.day, alert.judged.suspect
    size = (last - alert.looked_at_since).days + 1
    after = {last - timedelta(days=back) for back in range(size)} - suspect
    before = {
        day - timedelta(days=WEEK * week) for day in after for week in range(1, BASELINE_WEEKS + 1)
    }
    return Periods(frozenset(before - after - suspect), frozenset(after))


def metrics_needed(alert: Alert, foundations: Foundations) -> set[str]:
    """Keys of the rates whose segments an explanation asks for."""
    metric = alert.judged.series.metric
    needed = {metric.key}
    needed |= {one.key for one, _ in _way(metric, foundations)}
    if guard := _guard_of(metric, foundations):
        needed.add(guard.key)
    if money.is_revenue(metric) or metric.kind == "micro":
        needed |= {money.VISIT.key, money.PAID.key, money.SALE.key}
    return needed


def explain(
    alert: Alert, rows: Rows, foundations: Foundations, revenue: Judged | None = None
) -> Explanation:
    """Take a change apart, in the order in which one would ask.

    Args:
        alert: What moved.
        rows: Counts by day and segment of at least `metrics_needed`.
        foundations: What rates rest on.
        revenue: What is known of revenue per visit, which guards rises; None without money.
    """
    metric, periods = alert.judged.series.metric, periods_of(alert)
    dispersion = alert.watch.dispersion
    x0, n0 = _total(rows, metric, periods.before)
    x1, n1 = _total(rows, metric, periods.after)
    # Both periods on the scale of the later one: the earlier has four weeks.
    scale = len(periods.after) / len(periods.before) if periods.before else 1.0
    steps, names = _steps(metric, rows, periods, foundations)
    diagnosis: Diagnosis | Refusal
    step = _main_step(steps)
    if metric.dimension != ALL:
        diagnosis = Refusal.because("It is one segment already.")
    else:
        chosen = _segments(rows, metric, periods, alert.watch.unit)
        if step is not None:
            place = names[step.name]
            of_step = (
                money.segments_of_step(rows, place, periods.before, periods.after)
                if money.is_revenue(metric)
                else _segments_of_step(rows, metric, place, periods, foundations)
            )
            chosen, step = (of_step, step) if of_step else (chosen, None)
        diagnosis = diagnose(chosen, dispersion)
    return Explanation(
        periods=periods,
        volume=volume_and_rate(n0 * scale, x0 * scale, n1, x1),
        steps=steps,
        step=step,
        diagnosis=diagnosis,
        guards=_guards(alert, rows, periods, foundations, revenue),
        counted=_COUNTED.get(metric.name, "visits") if metric.kind != "kpi" else "those it is of",
        unit=alert.watch.unit,
    )


def _way(metric: Metric, foundations: Foundations) -> list[tuple[Metric, str]]:
    """The rates on the way to this one, itself the last, with labels of their steps."""
    if metric.kind == "funnel":
        funnel = foundations.funnels.get(metric.name)
        if funnel is None or not funnel.is_ordered:
            return []
        return [
            (Metric("funnel", metric.name, one.number), one.label)
            for one in funnel.until(metric.step)[1:]
        ]
    if metric.kind not in ("macro", "micro"):
        return []
    funnel = foundations.funnel_of(metric.name)
    if funnel is None:
        return []
    found = []
    for one in funnel.steps:
        found.append((Metric(foundations.kinds.get(one.conversion, ""), one.conversion), one.label))
        if one.conversion == metric.name:
            break
    return found


def _steps(
    metric: Metric, rows: Rows, periods: Periods, foundations: Foundations
) -> tuple[tuple[StepPart, ...], dict[str, int]]:
    if money.is_revenue(metric):
        counted = [money.factors(rows, metric, days) for days in (periods.before, periods.after)]
        return _parts(money.STEPS, counted)
    way = [
        (replace(one, dimension=metric.dimension, value=metric.value), label)
        for one, label in _way(metric, foundations)
    ]
    if len(way) < 2 or not all(one.key in rows for one, _ in way):
        return (), {}
    counts = []
    for days in (periods.before, periods.after):
        _, size = _total(rows, way[0][0], days)
        counts.append([size, *(_total(rows, one, days)[0] for one, _ in way)])
    return _parts([label for _, label in way], counts)


def _parts(
    labels: Sequence[str], counts: Sequence[Sequence[float]]
) -> tuple[tuple[StepPart, ...], dict[str, int]]:
    parts = funnel_parts(labels, counts[0], counts[1])
    if isinstance(parts, Refusal):
        return (), {}
    return parts, {label: place for place, label in enumerate(labels)}


def _main_step(steps: Sequence[StepPart]) -> StepPart | None:
    shares = [one for one in steps if one.share == one.share]
    largest = max(shares, key=lambda one: one.share, default=None)
    return largest if largest is not None and largest.share >= MOSTLY else None


def _segments_of_step(
    rows: Rows, metric: Metric, place: int, periods: Periods, foundations: Foundations
) -> list[SegmentCounts]:
    """Segments of those at the step before; none where more took the step than stood before it."""
    way = _way(metric, foundations)
    if place == 0:
        return _segments(rows, way[0][0], periods)
    found = []
    for name in DIMENSIONS:
        before, here = (rows[one.key].get(name) for one in (way[place - 1][0], way[place][0]))
        if before is None or here is None:
            continue
        values = sorted({*before.values, *here.values})
        columns = []
        for days in (periods.before, periods.after):
            columns += [_aligned(one.of_days(days)[0], one, values) for one in (before, here)]
        n0, x0, n1, x1 = columns
        if (x0 > n0).any() or (x1 > n1).any():
            return []
        found.append(SegmentCounts(name, tuple(values), n0, x0, n1, x1))
    return found


def _segments(
    rows: Rows, metric: Metric, periods: Periods, unit: str = SHARE
) -> list[SegmentCounts]:
    found = []
    portion = money.portion_of(rows, metric, periods.before | periods.after)
    for name in DIMENSIONS:
        one = rows.get(metric.key, {}).get(name)
        if one is not None:
            x0, n0 = one.of_days(periods.before)
            x1, n1 = one.of_days(periods.after)
            found.append(SegmentCounts(name, one.values, n0, x0, n1, x1, portion, unit))
    return found


def _aligned(counts: np.ndarray, rows: SegmentRows, values: Sequence[str]) -> np.ndarray:
    known = dict(zip(rows.values, counts.tolist(), strict=True))
    return np.array([known.get(value, 0.0) for value in values])


def _total(rows: Rows, metric: Metric, days: Collection[date]) -> tuple[float, float]:
    one = rows.get(metric.key, {}).get(metric.dimension)
    if one is None or metric.value not in one.values:
        return 0.0, 0.0
    successes, trials = one.of_days(days)
    place = one.values.index(metric.value)
    return float(successes[place]), float(trials[place])


def _guard_of(metric: Metric, foundations: Foundations) -> Metric | None:
    """What should follow a micro-conversion: the next step of its funnel, else what it supports."""
    if metric.kind != "micro":
        return None
    for funnel in foundations.funnels.values():
        names = [one.conversion for one in funnel.steps]
        if funnel.is_ordered and metric.name in names[:-1]:
            following = names[names.index(metric.name) + 1]
            return Metric(foundations.kinds.get(following, ""), following)
    supported = foundations.supports.get(metric.name)
    return Metric(foundations.kinds.get(supported, ""), supported) if supported else None


def _guards(
    alert: Alert,
    rows: Rows,
    periods: Periods,
    foundations: Foundations,
    revenue: Judged | None,
) -> tuple[Guard, ...]:
    metric, dispersion = alert.judged.series.metric, alert.watch.dispersion
    if alert.direction is not Direction.RISE or metric.kind != "micro":
        return ()

    def change_of(one: Metric) -> Estimate:
        x0, n0 = _total(rows, one, periods.before)
        x1, n1 = _total(rows, one, periods.after)
        return rate_change(x0, n0, x1, n1, dispersion)

    risen, found = change_of(metric), []
    guard = _guard_of(metric, foundations)
    if guard is not None and guard.key in rows:
        label = foundations.labels.get(guard.name, guard.name)
        followed = change_of(replace(guard, dimension=metric.dimension, value=metric.value))
        found.append(Guard(f"“{label}” per visit", guard_pair(risen, followed)))
    if metric.dimension == ALL and revenue is not None:
        earned = _revenue_change(rows, periods, revenue)
        if earned is not None:
            found.append(Guard("revenue per visit", guard_pair(risen, earned)))
    return tuple(found)


def _revenue_change(rows: Rows, periods: Periods, revenue: Judged) -> Estimate | None:
    """None where revenue was not recorded: that it is missing says nothing of what was earned."""
    whole = rows.get(money.VISIT.key, {}).get(ALL)
    if whole is None or revenue.last is None or periods.after & revenue.suspect:
        return None
    sums = []
    for days in (periods.before - revenue.suspect, periods.after):
        earned, visits = whole.of_days(days)
        sums.append((float(earned.sum()), float(visits.sum()), whole.variance_of_days(days)))
    spread = revenue.last.dispersion
    return mean_change(sums[0], sums[1], spread if spread == spread else 1.0)
