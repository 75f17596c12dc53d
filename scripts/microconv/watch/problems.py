"""Problems of tracking: what they are about, and which findings are one problem."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from microconv.watch.metrics import Foundations, Metric
from microconv.watching import Kind, Suspicion

ANY_EVENT = "*"
DIMENSIONS = ("browser", "app_version", "stream_id")
DIMENSION = "dimension"
"""The part of a subject that is one of these as a whole, such as the browser of all events."""

_MANY_EVENTS = 3
_MOST_NAMED = 3


@dataclass(frozen=True)
class Subject:
    """What a suspicion is about.

    Args:
        event: Its name; `*` for all events; empty if it is about a conversion.
        part: As in mart_tracked_counts, or `DIMENSION`; empty if it is about a conversion.
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


def without_repeats(
    found: Sequence[tuple[Suspicion, Subject]], foundations: Foundations
) -> list[tuple[Suspicion, Subject]]:
    """Not again: a conversion whose event is gone, an event in a browser that is gone altogether,
    a flag of one event that turned on all, browsers where no browser is known any more.
    """
    events: dict[str, set[date]] = defaultdict(set)
    wholes: dict[tuple[str, str], set[date]] = defaultdict(set)
    unknown: dict[str, set[date]] = defaultdict(set)
    for one, subject in found:
        if subject.part == "event":
            events[subject.event] |= set(one.days)
        elif subject.part == DIMENSION:
            unknown[subject.value] |= set(one.days)
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
        if days & unknown[subject.part]:
            return True
        if subject.event != ANY_EVENT and subject.part != "event":
            # Fewer are expected in a browser, so that its silence is noticed on other days.
            is_gone = subject.part in DIMENSIONS and bool(days & events[subject.event])
            return is_gone or bool(days & wholes[subject.part, subject.value])
        return False

    return [(one, subject) for one, subject in found if not is_said(one, subject)]


def together(
    found: Sequence[tuple[Suspicion, Subject]],
) -> list[tuple[Suspicion, tuple[Subject, ...]]]:
    """What broke on the same days is one problem: parameters that one event lost, one that several
    events lost, events that one browser no longer sends, or in which one flag turned.
    """
    lost: Counter[tuple[tuple[date, ...], str]] = Counter(
        (one.days, subject.value) for one, subject in found if one.kind is Kind.PARAMETER_EMPTY
    )
    groups: dict[tuple[object, ...], list[tuple[Suspicion, Subject]]] = defaultdict(list)
    for one, subject in found:
        key: tuple[object, ...] = (one.kind, one.days, subject)
        if one.kind is Kind.PARAMETER_EMPTY:
            is_of_many = lost[one.days, subject.value] >= _MANY_EVENTS
            own = ("parameter", subject.value) if is_of_many else ("event", subject.event)
            key = (one.kind, one.days, one.tracked.is_occasional, *own)
        elif one.kind is Kind.FLAG_TURNED:
            key = (one.kind, one.days, subject.value)
        elif one.kind is Kind.VALUE_SILENT:
            key = (one.kind, one.days, subject.part, subject.value)
        groups[key].append((one, subject))
    return [_named(members) for members in _of_the_same_events(groups)]


def _of_the_same_events(
    groups: Mapping[tuple[object, ...], list[tuple[Suspicion, Subject]]],
) -> list[list[tuple[Suspicion, Subject]]]:
    """Groups of parameters that the same events lost on the same days, as one."""
    merged: dict[tuple[object, ...], list[tuple[Suspicion, Subject]]] = defaultdict(list)
    for key, members in groups.items():
        if key[0] is Kind.PARAMETER_EMPTY:
            key = (*key[:3], frozenset(subject.event for _, subject in members))
        merged[key] += members
    return list(merged.values())


def _named(
    members: Sequence[tuple[Suspicion, Subject]],
) -> tuple[Suspicion, tuple[Subject, ...]]:
    """The largest of them under a name that says them all."""
    main, _ = max(members, key=lambda pair: (pair[0].expected, pair[0].tracked.name))
    subjects = tuple(subject for _, subject in members)
    name = main.tracked.name
    events = _listed(sorted({one.event for one in subjects}))
    values = _listed(sorted({one.value for one in subjects}))
    if len(members) > 1 and main.kind is Kind.PARAMETER_EMPTY:
        name = f"{values} of {events}"
    elif len(members) > 1 and main.kind is Kind.FLAG_TURNED:
        name = f"{subjects[0].value} of {events}"
    elif len(members) > 1:
        name = events
    return replace(main, tracked=replace(main.tracked, name=name)), subjects


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
