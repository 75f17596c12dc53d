"""What is watched: rates by day, and the conversions and events that each of them rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from microconv.evidence.quantities import Floats
from microconv.watching import DailyRate
from microconv.watching.units import SHARE

ALL = "all"
KINDS = ("macro", "micro", "funnel", "funnel_step", "kpi", "revenue")
"""In the order in which they are told; of two that are the same series the earlier is kept."""


REVENUE_PER_VISIT, PAID_SALE_SHARE, REVENUE_PER_SALE = (
    "revenue_per_visit",
    "paid_sale_share",
    "revenue_per_sale",
)
"""Of kind `revenue`, as mart_tracked_means names them."""

_ENGAGED = "engaged"  # in a key figure: visits that GA4 calls so


@dataclass(frozen=True, order=True)
class Metric:
    """A rate that is watched.

    Args:
        kind: One of `KINDS`.
        name: Of the conversion, key figure or funnel.
        step: Of the funnel; 0 for everything else.
        dimension: The segment's, `all` for the whole.
        value: The segment.
    """

    kind: str
    name: str
    step: int = 0
    dimension: str = ALL
    value: str = ALL

    @property
    def key(self) -> str:
        """As it stands in tables and statements, without the segment."""
        return f"{self.kind}/{self.name}/{self.step}"

    @property
    def id(self) -> str:
        """The key, and the segment where it is one."""
        return self.key if self.dimension == ALL else f"{self.key}/{self.dimension}/{self.value}"


@dataclass(frozen=True)
class Series:
    """A watched rate with its counts.

    Args:
        metric: Which one.
        label: For people.
        short: The same for tables.
        counts: By day, without days on which it had no time to happen.
        mature_until: The last day whose counts are final; None without one.
        also: Labels of rates that are this very series under another name.
    """

    metric: Metric
    label: str
    short: str
    counts: DailyRate
    mature_until: date | None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A step of a funnel that must be taken."""

    number: int
    conversion: str
    label: str


@dataclass(frozen=True)
class Funnel:
    """A funnel and its steps in order."""

    name: str
    label: str
    is_ordered: bool
    steps: tuple[Step, ...]

    def until(self, number: int) -> tuple[Step, ...]:
        """The steps up to and with one."""
        return tuple(one for one in self.steps if one.number <= number)


@dataclass(frozen=True)
class Foundations:
    """What rates rest on, from the lists.

    Args:
        labels: Of conversions.
        kinds: `macro` or `micro`, of conversions.
        supports: The macro-conversion that a micro-conversion leads to.
        events: Event names and rule fields of each conversion, as (event, field); field may be "".
        requires: Conversions that a derived one is made of.
        kpis: Conversions that a key figure counts.
        funnels: By name.
        selling: Macro-conversions that come with money.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    supports: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, frozenset[tuple[str, str]]] = field(default_factory=dict)
    requires: Mapping[str, frozenset[str]] = field(default_factory=dict)
    kpis: Mapping[str, frozenset[str]] = field(default_factory=dict)
    funnels: Mapping[str, Funnel] = field(default_factory=dict)
    selling: frozenset[str] = frozenset()

    def conversions_of(self, metric: Metric) -> frozenset[str]:
        """Every conversion that the rate counts, those that derived ones are made of included."""
        if metric.kind == "kpi":
            found = set(self.kpis.get(metric.name, frozenset()))
        elif metric.kind == "revenue":
            found = set(self.selling)
        elif metric.kind in ("funnel", "funnel_step"):
            funnel = self.funnels.get(metric.name)
            steps = funnel.until(metric.step) if funnel else ()
            found = {one.conversion for one in steps[0 if metric.kind == "funnel" else -2 :]}
        else:
            found = {metric.name}
        waiting = list(found)
        while waiting:
            for other in self.requires.get(waiting.pop(), frozenset()) - found:
                found.add(other)
                waiting.append(other)
        return frozenset(found)

    def events_of(self, metric: Metric) -> frozenset[tuple[str, str]]:
        """Events and fields that decide about the rate."""
        names = self.conversions_of(metric)
        found = {pair for name in names for pair in self.events.get(name, frozenset())}
        if _ENGAGED in names:
            found.add(("*", "is_session_engaged"))
        if metric.kind == "revenue":
            found |= {(event, "revenue_usd") for event, _ in found}
        return frozenset(found)

    def funnel_of(self, conversion: str) -> Funnel | None:
        """The first ordered funnel in which somebody gets to a conversion by earlier steps."""
        for funnel in self.funnels.values():
            if funnel.is_ordered and conversion in [one.conversion for one in funnel.steps[1:]]:
                return funnel
        return None


def series_of(
    metrics: Sequence[Metric],
    labels: Sequence[str],
    shorts: Sequence[str],
    edges: Sequence[int],
    columns: Mapping[str, Floats],
    epoch: date,
    units: Sequence[str] = (),
) -> list[Series]:
    """Series of rows that are ordered by metric and day.

    Args:
        metrics: One per series.
        labels: The same.
        shorts: The same.
        edges: Where each series begins among the rows, and where the last one ends.
        columns: `day` as days since `epoch`, `successes`, `trials`, `is_mature`, `is_ramp_up`; of
            means `variances`.
        epoch: Day 0.
        units: Of means, one per series.
    """
    found = []
    for metric, label, short, unit, (start, end) in zip(
        metrics, labels, shorts, units or [SHARE] * len(metrics), pairwise(edges), strict=True
    ):
        kept = np.arange(start, end)[~columns["is_ramp_up"][start:end].astype(bool)]
        if not len(kept):
            continue
        days = columns["day"][kept].astype(np.int64)
        counts = np.zeros((2, int(days[-1] - days[0]) + 1))
        counts[0, days - days[0]] = columns["successes"][kept]
        counts[1, days - days[0]] = columns["trials"][kept]
        variances = None
        if "variances" in columns:
            variances = np.zeros(counts.shape[1])
            variances[days - days[0]] = columns["variances"][kept]
        first = epoch + timedelta(days=int(days[0]))
        mature = days[columns["is_mature"][kept].astype(bool)]
        until = epoch + timedelta(days=int(mature[-1])) if len(mature) else None
        rates = DailyRate(first, counts[0], counts[1], variances, unit)
        found.append(Series(metric, label, short, rates, until))
    return found


def without_copies(found: Iterable[Series]) -> list[Series]:
    """Each series once: a key figure may be the rate of a conversion by another name."""
    kept: dict[tuple[object, ...], Series] = {}
    for one in sorted(found, key=lambda one: (KINDS.index(one.metric.kind), one.metric)):
        counts = one.counts
        key = (
            one.metric.dimension,
            one.metric.value,
            counts.first_day,
            counts.successes.tobytes(),
            counts.trials.tobytes(),
        )
        if key not in kept:
            kept[key] = one
            continue
        first = kept[key]
        names = () if one.label in (first.label, *first.also) else (one.label,)
        kept[key] = replace(first, also=first.also + names)
    return list(kept.values())


def pooled(counts: DailyRate, days: Collection[date]) -> tuple[float, float]:
    """Successes and trials of some days together."""
    places = [place for place in map(counts.place, days) if 0 <= place < len(counts)]
    return float(counts.successes[places].sum()), float(counts.trials[places].sum())
