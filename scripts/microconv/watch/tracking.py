"""Which events, browsers, parameters and flags broke, and which rates say nothing for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from microconv.evidence.outage import LARGEST_MISSING_SHARE, LEAST_EXPECTED, SILENT_SHARE
from microconv.evidence.quantities import Bools, Floats
from microconv.watch.metrics import Foundations, Metric, Series
from microconv.watch.read import TrackedCounts
from microconv.watching import DailyRate, Kind, Suspicion, Tracked, find_suspicions

ANY_EVENT = "*"
USUAL_SHARE = 0.5
"""A parameter that fewer of its events carry comes and goes with campaigns and coupons."""

FLAG_SHARE = 0.9
"""A parameter is a flag if so many of its values say yes or no."""

_TYPICAL_QUANTILE = 0.75
_DIMENSIONS = ("browser", "app_version", "stream_id")
# Fields that the export has as parameters as well.
_FIELDS_OF = {"session_engaged", "firebase_conversion", "transaction_id"}
_REQUIRED = ("transaction_id", "ecommerce.transaction_id", "revenue")
_READ_FROM = {
    "page_path": "page_location",
    "hostname": "page_location",
    "event_value": "value",
    "revenue_usd": "revenue",
}
_UNKNOWN = "(none)"


@dataclass(frozen=True)
class Subject:
    """What a suspicion is about.

    Args:
        event: Its name; `*` for all events; empty if it is about a conversion.
        part: As in mart_tracked_counts; empty if it is about a conversion.
        value: Of the part.
        conversion: Name of the conversion; empty if it is about an event.
    """

    event: str = ""
    part: str = ""
    value: str = ""
    conversion: str = ""


@dataclass(frozen=True)
class Problem:
    """Tracking that broke: one finding, though several parameters or events may share it.

    Args:
        suspicion: The largest of those that were put together, with a name that says them all.
        subjects: What they are about.
        missing_share: Share of the events of these days that is missing, in 0..1.
    """

    suspicion: Suspicion
    subjects: tuple[Subject, ...]
    missing_share: float

    @property
    def id(self) -> str:
        """What is the same in every run that sees it."""
        tracked = self.suspicion.tracked
        return f"{tracked.kind}/{tracked.name}/{tracked.dimension}/{tracked.value}"


def find_problems(
    counts: TrackedCounts | None, series: Sequence[Series], foundations: Foundations
) -> list[Problem]:
    """Everything that broke, in events, their parts, and conversions.

    Args:
        counts: Events and their parts by day.
        series: Watched rates; those of conversions are looked at for silence as well.
        foundations: What conversions are made of.
    """
    macros = {
        event
        for name, kind in foundations.kinds.items()
        if kind == "macro"
        for event, _ in foundations.events.get(name, frozenset())
    }
    subjects: dict[int, Subject] = {}
    tracked: list[Tracked] = []
    for one, subject in [
        *(_of_events(counts, macros) if counts else ()),
        *_of_conversions(series),
    ]:
        subjects[id(one)] = subject
        tracked.append(one)
    found = [one for one in find_suspicions(tracked) if one.is_tracking]
    about = [(one, subjects[id(one.tracked)]) for one in found]
    return [
        Problem(suspicion, named, _missing_share(suspicion, named, counts))
        for suspicion, named in _together(_without_repeats(about, foundations))
    ]


def suspect_days(
    metric: Metric,
    problems: Iterable[Problem],
    foundations: Foundations,
    silent: Mapping[str, frozenset[date]],
) -> frozenset[date]:
    """Days on which a rate says nothing about visitors.

    A browser that fell silent counts if more of the event is missing than may be.

    Args:
        metric: The rate.
        problems: What broke.
        foundations: What the rate rests on.
        silent: Days on which conversions were hardly recorded.
    """
    conversions, events = foundations.conversions_of(metric), foundations.events_of(metric)
    names = {event for event, _ in events}
    fields = {(event, _field(name)) for event, name in events if name}
    found: set[date] = set()
    for problem in problems:
        is_partial = problem.suspicion.kind is Kind.VALUE_SILENT
        if is_partial and problem.missing_share <= LARGEST_MISSING_SHARE:
            continue
        if any(_touches(one, conversions, names, fields) for one in problem.subjects):
            found.update(problem.suspicion.days)
    for name in conversions:
        found |= silent.get(name, frozenset())
    return frozenset(found)


def _field(name: str) -> str:
    """The field or parameter of an event that a rule's column is read from."""
    if name.startswith("item:"):
        return "items"
    return _READ_FROM.get(name, name.removeprefix("param:"))


def _touches(
    subject: Subject,
    conversions: frozenset[str],
    events: set[str],
    fields: set[tuple[str, str]],
) -> bool:
    if subject.conversion:
        return subject.conversion in conversions
    if subject.part in ("field", "parameter"):
        return any(
            subject.value == name and subject.event in (event, ANY_EVENT) for event, name in fields
        )
    return subject.event in events or subject.event == ANY_EVENT


def _of_events(counts: TrackedCounts, macros: set[str]) -> list[tuple[Tracked, Subject]]:
    first = counts.days[0]
    size = (counts.days[-1] - first).days + 1
    places = np.array([(day - first).days for day in counts.days])

    def series(successes: Floats, trials: Floats) -> DailyRate:
        spread = np.zeros((2, size))
        spread[:, places] = successes, trials
        return DailyRate(first, spread[0], spread[1])

    found = []
    silent_by_sessions = may_be_silent(counts.counted, counts.sessions)
    silent_by_events = may_be_silent(counts.counted, counts.all_counts)
    for row, (event, part, value) in enumerate(counts.names):
        subject = Subject(event, part, value)
        if part == "event":
            if event != ANY_EVENT and silent_by_sessions[row]:
                numbers = series(counts.counted[row], counts.sessions[row])
                found.append((Tracked(Kind.EVENT_GONE, event, numbers), subject))
        elif part in _DIMENSIONS:
            if value != _UNKNOWN:
                # All values: those that did not fall silent may have taken over.
                numbers = series(counts.counted[row], counts.sessions[row])
                name = "activity" if event == ANY_EVENT else event
                found.append((Tracked(Kind.VALUE_SILENT, name, numbers, part, value), subject))
        elif not (part == "parameter" and value in _FIELDS_OF):
            said = counts.true_counts[row] + counts.false_counts[row]
            if said.sum() >= FLAG_SHARE * max(counts.counted[row].sum(), 1):
                flag = series(counts.true_counts[row], said)
                name = value if event == ANY_EVENT else f"{value} of {event}"
                found.append((Tracked(Kind.FLAG_TURNED, name, flag), subject))
            if event != ANY_EVENT and silent_by_events[row] and _is_usual(counts, row):
                kind = Kind.REVENUE_MISSING if value == "revenue" else Kind.PARAMETER_EMPTY
                name = event if value == "revenue" else f"{value} of {event}"
                is_required = event in macros and value in _REQUIRED
                numbers = series(counts.counted[row], counts.all_counts[row])
                found.append((Tracked(kind, name, numbers, is_required=is_required), subject))
    return found


def may_be_silent(counted: Floats, expected_from: Floats) -> Bools:
    """Which rows have a day that is far below their usual; the others need no closer look."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where(expected_from > 0, counted / expected_from, np.nan)
    known = np.isfinite(rates).any(axis=1)
    usual = np.zeros(len(rates))
    usual[known] = np.nanquantile(rates[known], _TYPICAL_QUANTILE, axis=1)
    expected = usual[:, None] * expected_from
    low = (expected > 0) & (counted < SILENT_SHARE * expected)
    return np.asarray(low.any(axis=1) & (expected.sum(axis=1) >= LEAST_EXPECTED))


def _is_usual(counts: TrackedCounts, row: int) -> bool:
    seen = counts.all_counts[row] > 0
    if not seen.any():
        return False
    share = counts.counted[row][seen] / counts.all_counts[row][seen]
    return bool(np.quantile(share, _TYPICAL_QUANTILE) >= USUAL_SHARE)


def _of_conversions(series: Sequence[Series]) -> list[tuple[Tracked, Subject]]:
    return [
        (
            Tracked(Kind.EVENT_GONE, one.label, one.counts),
            Subject(conversion=one.metric.name),
        )
        for one in series
        if one.metric.kind in ("macro", "micro")
    ]


def _without_repeats(
    found: Sequence[tuple[Suspicion, Subject]], foundations: Foundations
) -> list[tuple[Suspicion, Subject]]:
    """Not again: a conversion whose event is gone, an event in a browser that is gone altogether,
    a flag of one event that turned on all.
    """
    events: dict[str, set[date]] = defaultdict(set)
    wholes: dict[tuple[str, str], set[date]] = defaultdict(set)
    for one, subject in found:
        if subject.part == "event":
            events[subject.event] |= set(one.days)
        elif subject.event == ANY_EVENT:
            wholes[subject.part, subject.value] |= set(one.days)

    def is_said(one: Suspicion, subject: Subject) -> bool:
        days = set(one.days)
        if subject.conversion:
            own = {
                event
                for name in foundations.conversions_of(Metric("micro", subject.conversion))
                for event, _ in foundations.events.get(name, frozenset())
            }
            return any(days & events[event] for event in own)
        if subject.event != ANY_EVENT and subject.part != "event":
            # Fewer are expected in a browser, so that its silence is noticed on other days.
            is_gone = subject.part in _DIMENSIONS and bool(days & events[subject.event])
            return is_gone or bool(days & wholes[subject.part, subject.value])
        return False

    return [(one, subject) for one, subject in found if not is_said(one, subject)]


def _missing_share(
    found: Suspicion, subjects: Sequence[Subject], counts: TrackedCounts | None
) -> float:
    """Of a browser, version or stream its part of the event; anything else is missing whole."""
    if found.kind is not Kind.VALUE_SILENT or counts is None:
        return 1.0
    days = [place for place, day in enumerate(counts.days) if day in found.days]
    named = {one.event for one in subjects}
    largest = 0.0
    for row, (event, part, value) in enumerate(counts.names):
        if event in named and (part, value) == (subjects[0].part, subjects[0].value):
            all_there = float(counts.all_counts[row][days].sum())
            missing = _usual_share(counts, row, days) * all_there
            missing -= float(counts.counted[row][days].sum())
            largest = max(largest, missing / (all_there + missing) if missing > 0 else 0.0)
    return largest


def _usual_share(counts: TrackedCounts, row: int, silent: Sequence[int]) -> float:
    """How many of an event's come from a value on the other days, per one of all the rest."""
    other = np.ones(len(counts.days), dtype=np.bool_)
    other[list(silent)] = False
    own = float(counts.counted[row][other].sum())
    rest = float(counts.all_counts[row][other].sum()) - own
    return own / rest if rest > 0 else 1.0


def _together(
    found: Sequence[tuple[Suspicion, Subject]],
) -> list[tuple[Suspicion, tuple[Subject, ...]]]:
    """Parameters that an event lost on the same days are one problem, and so are events that one
    browser no longer sends, or in which one flag turned.
    """
    groups: dict[tuple[object, ...], list[tuple[Suspicion, Subject]]] = defaultdict(list)
    for one, subject in found:
        key: tuple[object, ...] = (one.kind, one.days, subject)
        if one.kind is Kind.PARAMETER_EMPTY:
            key = (one.kind, one.days, subject.event)
        elif one.kind is Kind.FLAG_TURNED:
            key = (one.kind, one.days, subject.value)
        elif one.kind is Kind.VALUE_SILENT:
            key = (one.kind, one.days, subject.part, subject.value)
        groups[key].append((one, subject))
    return [_named(members) for members in groups.values()]


def _named(
    members: Sequence[tuple[Suspicion, Subject]],
) -> tuple[Suspicion, tuple[Subject, ...]]:
    main, _ = max(members, key=lambda pair: (pair[0].expected, pair[0].tracked.name))
    subjects = tuple(subject for _, subject in members)
    tracked = main.tracked
    name = tracked.name
    if len(members) > 1 and main.kind is Kind.PARAMETER_EMPTY:
        name = f"{_listed(sorted(one.value for one in subjects))} of {subjects[0].event}"
    elif len(members) > 1 and main.kind is Kind.FLAG_TURNED:
        name = f"{subjects[0].value} of {_listed(sorted(one.event for one in subjects))}"
    elif len(members) > 1:
        name = _listed(sorted(one.event for one in subjects))
    shown = Suspicion(
        Tracked(tracked.kind, name, tracked.counts, tracked.dimension, tracked.value),
        main.kind,
        main.days,
        main.is_ongoing,
        main.counted,
        main.expected,
    )
    return shown, subjects


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
