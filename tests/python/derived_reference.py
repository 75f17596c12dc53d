"""Derived conversions, read slowly and obviously from one visitor's history.

A definition is the rows of `derived_conversions` of one conversion. A window is opened, what lies
in it is walked through in order, and the requirements are counted as they stand in the list.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

SECOND = 1_000_000
UNITS = {"minute": 60 * SECOND, "hour": 3600 * SECOND, "day": 86400 * SECOND}
ANCHORS = ("first_visit", "previous_conversion")


@dataclasses.dataclass(frozen=True)
class Session:
    """A session, as far as derived conversions look at it; `is_excluded` is a bot's, say."""

    session_id: str
    started: int
    ended: int
    number: int = 1
    is_excluded: bool = False


@dataclasses.dataclass(frozen=True)
class Occurrence:
    """A conversion that happened; that of an event or, when derived, of the event completing it."""

    name: str
    event_id: str
    timestamp: int
    order: int
    date: dt.date
    session: Session | None = None
    event_name: str = ""
    page_path: str | None = None
    engaged_seconds: float | None = None
    percent_scrolled: int | None = None
    transaction_id: str | None = None
    values: tuple[tuple[str, str], ...] = ()  # field and value

    @property
    def conversion_event_id(self) -> str:
        return f"{self.event_id}/{self.name}"

    @property
    def place(self) -> tuple[int, int, str]:
        """Where its event stands in the history."""
        return (self.timestamp, self.order, self.event_id)

    def quality(self, field: str) -> float | None:
        if field == "engaged_seconds_on_page":
            return self.engaged_seconds
        if field == "percent_scrolled_on_page":
            return self.percent_scrolled
        if self.session is None:
            return None
        if field == "session_number":
            return self.session.number
        return (self.timestamp - self.session.started) / SECOND

    def distinct_values(self, distinct_by: str) -> list[str]:
        own = {
            "": self.conversion_event_id,
            "page_path": self.page_path,
            "event_name": self.event_name,
            "session_id": self.session.session_id if self.session else None,
            "conversion_date": str(self.date),
        }
        if distinct_by in own:
            return [value for value in (own[distinct_by],) if value]
        return [value for field, value in self.values if field == distinct_by and value]


@dataclasses.dataclass(frozen=True)
class Requirement:
    """A row of the list."""

    conversion_name: str
    requires: str
    at_least: int
    distinct_by: str
    within: str
    anchor: str
    role: str
    field: str
    operator: str
    value: str

    @classmethod
    def of(cls, row: str) -> Requirement:
        cells = row.split(",")
        return cls(cells[0], cells[1], int(cells[2]), *cells[3:])

    def is_met_by(self, one: Occurrence) -> bool:
        if one.name != self.requires:
            return False
        if not self.field:
            return True
        quality = one.quality(self.field)
        if quality is None:
            return False
        wanted = float(self.value)
        return {
            "at_least": quality >= wanted,
            "at_most": quality <= wanted,
            "greater_than": quality > wanted,
            "less_than": quality < wanted,
        }[self.operator]


@dataclasses.dataclass(frozen=True)
class Window:
    """From the event `opened` on (or from the beginning), until `closes` (or for ever)."""

    opened: Occurrence | None = None
    not_before: int = 0
    closes: int | None = None
    session: Session | None = None

    def holds(self, one: Occurrence) -> bool:
        return (
            (self.opened is None or one.place >= self.opened.place)
            and one.timestamp >= self.not_before
            and (self.closes is None or one.timestamp <= self.closes)
            and (self.session is None or one.session == self.session)
        )


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the catalog and the settings of a project say."""

    counting: dict[str, str]
    requirements: tuple[Requirement, ...]
    time_zone: ZoneInfo
    session_timeout: int = 30 * 60 * SECOND

    def of(self, name: str) -> list[Requirement]:
        return [row for row in self.requirements if row.conversion_name == name]

    def derived_names(self) -> list[str]:
        """Each after those that it is made of."""
        names: list[str] = []
        all_names = {row.conversion_name for row in self.requirements}
        while len(names) < len(all_names):
            for name in sorted(all_names - set(names)):
                needs = {need for row in self.of(name) for need in (row.requires, row.anchor)}
                if not (needs & all_names) - set(names):
                    names.append(name)
        return names


def counted(occurrences: Iterable[Occurrence], rules: Rules) -> list[Occurrence]:
    """Those of one visitor that count: an order once, else as the catalog says."""
    kept, seen, orders = [], set(), set()
    in_order = sorted(
        occurrences, key=lambda one: (one.timestamp, one.order, one.conversion_event_id)
    )
    for one in in_order:
        if one.transaction_id is not None:
            if (one.name, one.transaction_id) in orders:
                continue
            orders.add((one.name, one.transaction_id))
        how = rules.counting[one.name]
        key = one.conversion_event_id
        if how == "once_per_session" and one.session:
            key = one.session.session_id
        if how == "once_per_visitor":
            key = ""
        if (one.name, key) not in seen:
            seen.add((one.name, key))
            kept.append(one)
    return kept


def derive(
    history: Sequence[Occurrence], first_visit: int | None, rules: Rules
) -> list[Occurrence]:
    """All derived conversions of one visitor, also those that lie in the future."""
    known = [
        one for one in counted(history, rules) if not (one.session and one.session.is_excluded)
    ]
    found = []
    for name in rules.derived_names():
        new = completions(name, known, first_visit, rules)
        found += new
        known = known + counted(new, rules)
    return found


def completions(
    name: str, known: Sequence[Occurrence], first_visit: int | None, rules: Rules
) -> list[Occurrence]:
    """One derived conversion: of each completing event the first completion."""
    rows = rules.of(name)
    by_event: dict[str, Occurrence] = {}
    for window in windows(rows, known, first_visit, rules):
        done = completed(name, rows, window, known, rules)
        if done and (
            done.event_id not in by_event or done.timestamp < by_event[done.event_id].timestamp
        ):
            by_event[done.event_id] = done
    return list(by_event.values())


def completed(
    name: str,
    rows: Sequence[Requirement],
    window: Window,
    known: Sequence[Occurrence],
    rules: Rules,
) -> Occurrence | None:
    """The conversion that a window completes, if it does."""
    here = sorted((one for one in known if window.holds(one)), key=lambda one: one.place)
    last: Occurrence | None = None
    for row in rows:
        fulfilling, values = None, set[str]()
        for one in here:
            if row.is_met_by(one):
                values.update(one.distinct_values(row.distinct_by))
                if len(values) >= row.at_least:
                    fulfilling = one
                    break
        if row.role == "not_done" and fulfilling:
            return None
        if row.role == "done":
            if not fulfilling:
                return None
            if last is None or fulfilling.place > last.place:
                last = fulfilling
    assert last is not None
    if all(row.role == "done" for row in rows):
        return dataclasses.replace(last, name=name, values=(), transaction_id=None)
    assert window.closes is not None
    moment = dt.datetime.fromtimestamp(window.closes // SECOND, tz=rules.time_zone)
    return dataclasses.replace(
        last,
        name=name,
        timestamp=window.closes,
        date=moment.date(),
        values=(),
        transaction_id=None,
    )


def windows(
    rows: Sequence[Requirement], known: Sequence[Occurrence], first_visit: int | None, rules: Rules
) -> list[Window]:
    """The windows of a conversion."""
    within, anchor = rows[0].within, rows[0].anchor
    is_timed = any(row.role == "not_done" for row in rows)
    if within == "session" and not anchor:
        sessions = {one.session for one in known if one.session}
        return [
            Window(closes=session.ended + rules.session_timeout, session=session)
            for session in sessions
        ]
    if anchor == "first_visit":
        if first_visit is None:
            return []
        closes = first_visit + span(within) if within else None
        return [Window(not_before=first_visit, closes=closes)]
    if not anchor:
        return [Window()]
    if anchor == "previous_conversion":
        done = [row for row in rows if row.role == "done"]
        openers = [one for one in known if any(row.is_met_by(one) for row in done)]
    else:
        openers = [one for one in known if one.name == anchor]
    if within == "session":
        openers = [one for one in openers if one.session]
    openers.sort(key=lambda one: one.place)
    result = []
    for number, one in enumerate(openers):
        session = one.session if within == "session" else None
        if session:
            closes = session.ended + rules.session_timeout
        else:
            closes = one.timestamp + span(within) if within else None
        later = [
            other.timestamp
            for other in openers[number + 1 :]
            if session is None or other.session == session
        ]
        if is_timed and closes is not None and later and min(later) <= closes:
            continue  # begun again before the time was over
        result.append(Window(one, one.timestamp, closes, session))
    return result


def span(text: str) -> int:
    """Microseconds of a text such as `7 days`."""
    number, unit = text.split(" ")
    return int(number) * UNITS[unit.removesuffix("s")]
