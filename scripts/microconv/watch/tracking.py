"""Which events, browsers, parameters and flags broke, and which rates say nothing for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np

from microconv.evidence.outage import LARGEST_MISSING_SHARE, LEAST_EXPECTED, SILENT_SHARE
from microconv.evidence.quantities import Bools, Floats
from microconv.watch.metrics import Foundations, Metric, Series
from microconv.watch.problems import (
    ANY_EVENT,
    DIMENSION,
    DIMENSIONS,
    Problem,
    Subject,
    together,
    without_repeats,
)
from microconv.watch.read import TrackedCounts
from microconv.watching import DailyRate, Kind, Suspicion, Tracked, find_suspicions
from microconv.watching.silence import begin_of, is_steady

USUAL_SHARE = 0.5
"""What fewer events carry is missed only if it was there on every day: it may be a campaign's."""

FLAG_SHARE = 0.9
"""A parameter is a flag if so many of its values say yes or no."""

_TYPICAL_QUANTILE = 0.75
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
        for suspicion, named in together(without_repeats(about, foundations))
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
    if subject.part == DIMENSION:
        return False  # nobody knows the browser; what was done is counted all the same
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
        elif part in DIMENSIONS:
            if value != _UNKNOWN:
                # All values: those that did not fall silent may have taken over.
                numbers = series(counts.counted[row], counts.sessions[row])
                name = "activity" if event == ANY_EVENT else event
                found.append((Tracked(Kind.VALUE_SILENT, name, numbers, part, value), subject))
            elif event == ANY_EVENT:
                known = counts.all_counts[row] - counts.counted[row]
                numbers = series(known, counts.all_counts[row])
                about = Subject(ANY_EVENT, DIMENSION, part)
                found.append(
                    (Tracked(Kind.PARAMETER_EMPTY, f"{part} of all events", numbers), about)
                )
        elif not (part == "parameter" and value in _FIELDS_OF):
            said = counts.true_counts[row] + counts.false_counts[row]
            if said.sum() >= FLAG_SHARE * max(counts.counted[row].sum(), 1):
                flag = series(counts.true_counts[row], said)
                name = value if event == ANY_EVENT else f"{value} of {event}"
                found.append((Tracked(Kind.FLAG_TURNED, name, flag), subject))
            if event != ANY_EVENT and silent_by_events[row]:
                kind = Kind.REVENUE_MISSING if value == "revenue" else Kind.PARAMETER_EMPTY
                name = event if value == "revenue" else f"{value} of {event}"
                numbers = series(counts.counted[row], counts.all_counts[row])
                is_occasional = not _is_usual(numbers)
                if is_occasional and not is_steady(numbers):
                    continue
                is_required = event in macros and value in _REQUIRED
                one = Tracked(kind, name, numbers, "", "", is_required, is_occasional)
                found.append((one, subject))
    return found


def may_be_silent(counted: Floats, expected_from: Floats) -> Bools:
    """Which rows have a day that is far below their usual; the others need no closer look.

    Usual is here that of the days on which it was counted: what came in lately is looked at too.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = np.where((expected_from > 0) & (counted > 0), counted / expected_from, np.nan)
    known = np.isfinite(rates).any(axis=1)
    usual = np.zeros(len(rates))
    usual[known] = np.nanquantile(rates[known], _TYPICAL_QUANTILE, axis=1)
    expected = usual[:, None] * expected_from
    low = (expected > 0) & (counted < SILENT_SHARE * expected)
    return np.asarray(low.any(axis=1) & (expected.sum(axis=1) >= LEAST_EXPECTED))


def _is_usual(counts: DailyRate) -> bool:
    """Whether most of its events carry it, on a good day of all or since it came in."""
    for since in (counts, counts.since(begin_of(counts))):
        seen = since.trials > 0
        share = since.successes[seen] / since.trials[seen]
        if seen.any() and np.quantile(share, _TYPICAL_QUANTILE) >= USUAL_SHARE:
            return True
    return False


def _of_conversions(series: Sequence[Series]) -> list[tuple[Tracked, Subject]]:
    return [
        (
            Tracked(Kind.EVENT_GONE, one.label, one.counts),
            Subject(conversion=one.metric.name),
        )
        for one in series
        if one.metric.kind in ("macro", "micro")
    ]


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
