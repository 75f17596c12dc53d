"""What the evidence tables count, said slowly: subject by subject, step by step, micro by micro.

Input are the rows that the models read; output are the rows of the marts as counters, so that SQL
and reference can be compared as a whole. Nothing here is written for speed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

SECOND = 1_000_000
DAY = 86_400 * SECOND
HALF_HOUR = 1800 * SECOND
PLACEBOS = {"placebo_1pct": 10, "placebo_5pct": 50, "placebo_15pct": 150}
DEPTH_BINS = ((1, "1"), (2, "2"), (3, "3"), (5, "4-5"), (8, "6-8"), (12, "9-12"), (18, "13-18"))
DAY_BINS = (
    (HALF_HOUR, "<30min"),
    (DAY, "<1d"),
    (3 * DAY, "<3d"),
    (7 * DAY, "<7d"),
    (14 * DAY, "<14d"),
)
LAGS = ((DAY, "done_under_1d"), (3 * DAY, "done_1_3d"), (7 * DAY, "done_3_7d"))
AGE_BINS = ((1, 1), (3, 2), (7, 3), (14, 4), (30, 5))


@dataclass(frozen=True)
class Settings:
    """The vars of dbt_project.yml, and what is loaded."""

    first_date: dt.date
    last_date: dt.date
    zone: ZoneInfo
    subject: str = "visitor"
    clock: str = "page_view"
    horizon_days: int = 14
    landmark_days: int = 1
    lookback_days: int = 30
    buckets: int = 20
    as_of: dt.date | None = None
    dimensions: tuple[str, ...] = ("device_category", "channel_group")
    bot_page_views: int = 30
    cohort_weeks: int = 8
    activations: tuple[str, ...] = ()
    silent_days: Mapping[str, frozenset[dt.date]] = field(default_factory=dict)

    @property
    def as_of_date(self) -> dt.date:
        return min(self.as_of or self.last_date, self.last_date)

    @property
    def as_of_timestamp(self) -> int:
        return self.midnight(self.as_of_date + dt.timedelta(days=1))

    @property
    def horizon(self) -> int:
        return self.horizon_days * DAY

    @property
    def washout_days(self) -> int:
        loaded = (self.as_of_date - self.first_date).days + 1
        return max(0, min(self.lookback_days, loaded - 3 * self.horizon_days))

    @property
    def window_start_date(self) -> dt.date:
        return self.first_date + dt.timedelta(days=self.washout_days)

    @property
    def window_start(self) -> int:
        return self.midnight(self.window_start_date)

    @property
    def third_start_date(self) -> dt.date:
        days = (self.as_of_date - self.window_start_date).days + 1
        if days > self.horizon_days:
            days -= self.horizon_days
        return self.window_start_date + dt.timedelta(days=2 * days // 3)

    def midnight(self, date: dt.date) -> int:
        return round(dt.datetime.combine(date, dt.time(), self.zone).timestamp()) * SECOND


@dataclass(frozen=True)
class Session:
    session_id: str
    visitor_id: str
    device_category: str | None = "desktop"
    channel_group: str | None = "Direct"
    country: str | None = "US"
    browser: str | None = "Chrome"
    is_new_visitor: bool = True
    page_view_count: int = 1
    engaged_seconds: float = 1.0
    exclusion_reason: str | None = None


@dataclass(frozen=True)
class ClockEvent:
    session_id: str
    date: dt.date
    timestamp: int
    first_touch: int | None = None


@dataclass(frozen=True)
class Conversion:
    name: str
    visitor_id: str | None
    session_id: str | None
    date: dt.date
    timestamp: int
    value_usd: float | None = None
    exclusion_reason: str | None = None
    is_counted: bool = True


@dataclass(frozen=True)
class Step:
    number: int
    timestamp: int
    end: int | None
    date: dt.date
    session: Session
    first_touch: int | None


@dataclass(frozen=True)
class First:
    """The first time that a subject did something."""

    timestamp: int
    date: dt.date
    step: Step | None  # the last one that is not later
    is_on_step: bool  # in the session of that step, or on its day


@dataclass
class Subject:
    subject_id: str
    visitor_id: str
    settings: Settings
    steps: list[Step]
    conversions: dict[str, list[Conversion]]
    sessions: list[Session]
    is_bot: bool = False
    in_session: Counter[str] = field(default_factory=Counter)

    @property
    def start(self) -> int:
        return self.steps[0].timestamp

    @cached_property
    def firsts(self) -> dict[str, First]:
        """Of all that is loaded; a reader asks for what lies before its as-of."""
        found = {}
        for name, all_ in self.conversions.items():
            one = min(all_, key=lambda c: (c.timestamp, c.session_id or ""))
            step = max(
                (s for s in self.steps if s.timestamp <= one.timestamp),
                key=lambda s: s.number,
                default=None,
            )
            is_on_step = step is not None and (
                step.date == one.date
                if self.settings.clock == "active_day"
                else step.session.session_id == one.session_id
            )
            found[name] = First(one.timestamp, one.date, step, is_on_step)
        for place, (name, limit) in enumerate(PLACEBOS.items()):
            for step in self.steps:
                digest = hashlib.md5(f"{self.subject_id}|{step.timestamp}".encode()).hexdigest()
                if int(digest[8 * place : 8 * place + 8], 16) % 1000 < limit:
                    found[name] = First(step.timestamp, step.date, step, True)
                    break
        return found

    def first(self, name: str) -> First | None:
        """The first one that is known by the as-of."""
        one = self.firsts.get(name)
        return one if one and one.timestamp < self.settings.as_of_timestamp else None

    def value(self, macro: str, after: int, until: int, *, from_after: bool = False) -> Decimal:
        """Value of a macro in (after, until], or [after, until]."""
        return sum(
            (
                rounded(c.value_usd or 0, "0.000001")
                for c in self.conversions.get(macro, ())
                if (after < c.timestamp or (from_after and after == c.timestamp))
                and c.timestamp <= until
            ),
            Decimal(0),
        )

    def visitor_type(self) -> str:
        step = self.steps[0]
        if step.first_touch is None:
            return "new" if step.session.is_new_visitor else "returning"
        return "new" if abs(step.timestamp - step.first_touch) <= 60 * SECOND else "returning"

    def segment(self, session: Session) -> tuple[str, ...]:
        """device_category, channel_group, country, visitor_type."""
        chosen = self.settings.dimensions
        values = [
            getattr(session, name) or "(unknown)" if name in chosen else "all"
            for name in ("device_category", "channel_group", "country")
        ]
        return (*values, self.visitor_type())

    def bucket(self) -> int:
        return (
            int(hashlib.md5(self.subject_id.encode()).hexdigest()[:8], 16) % self.settings.buckets
        )


def rounded(value: float | Decimal, unit: str) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(unit), ROUND_HALF_UP)


def binned(value: int, bins: tuple[tuple[int, Any], ...], last: Any, *, inclusive: bool) -> Any:
    for edge, name in bins:
        if value < edge or (inclusive and value == edge):
            return name
    return last


# ---- subjects ------------------------------------------------------------------------------------


def subjects(
    settings: Settings,
    sessions: list[Session],
    clock_events: list[ClockEvent],
    conversions: list[Conversion],
) -> list[Subject]:
    """Everybody with a clock step, bots marked; internal traffic and foreign hosts are nobody."""
    known = {
        one.session_id: one for one in sessions if one.exclusion_reason in (None, "suspected_bot")
    }
    by_session = settings.subject == "session"
    events_of: dict[str, list[ClockEvent]] = defaultdict(list)
    for event in clock_events:
        if event.session_id in known:
            key = event.session_id if by_session else known[event.session_id].visitor_id
            events_of[key].append(event)
    done_by: dict[str, dict[str, list[Conversion]]] = defaultdict(lambda: defaultdict(list))
    for one in conversions:
        key_or_none = one.session_id if by_session else one.visitor_id
        if (
            one.is_counted
            and one.visitor_id is not None
            and key_or_none is not None
            and one.exclusion_reason in (None, "suspected_bot")
        ):
            done_by[key_or_none][one.name].append(one)
    sessions_of: dict[str, list[Session]] = defaultdict(list)
    for session in known.values():
        sessions_of[session.session_id if by_session else session.visitor_id].append(session)
    result = []
    for key, events in events_of.items():
        steps = steps_of(settings, events, known)
        visitor = steps[0].session.visitor_id
        subject = Subject(
            key, visitor, settings, steps, dict(done_by.get(key, {})), sessions_of[key]
        )
        subject.in_session = in_session_counts(subject, events)
        result.append(subject)
    mark_bots(settings, result)
    return result


def steps_of(settings: Settings, events: list[ClockEvent], known: dict[str, Session]) -> list[Step]:
    """Clock events of one moment are one step; with the clock of days, those of one day."""
    ordered = sorted(events, key=lambda one: (one.timestamp, one.session_id))
    kept: list[ClockEvent] = []
    seen: set[Any] = set()
    for one in ordered:
        key = one.date if settings.clock == "active_day" else one.timestamp
        if key not in seen:
            seen.add(key)
            kept.append(one)
    touches = defaultdict(list)
    for one in ordered:
        if one.first_touch is not None:
            touches[one.date if settings.clock == "active_day" else one.timestamp].append(
                one.first_touch
            )
    ends = [one.timestamp for one in kept[1:]] + [None]
    return [
        Step(
            number,
            one.timestamp,
            end,
            one.date,
            known[one.session_id],
            min(
                touches[one.date if settings.clock == "active_day" else one.timestamp],
                default=None,
            ),
        )
        for number, (one, end) in enumerate(zip(kept, ends, strict=True), start=1)
    ]


def in_session_counts(subject: Subject, events: list[ClockEvent]) -> Counter[str]:
    """Occurrences with a clock step of their session within half an hour, or on their day."""
    counts: Counter[str] = Counter()
    for name, all_ in subject.conversions.items():
        for one in all_:
            if subject.settings.clock == "active_day":
                near = any(step.date == one.date for step in subject.steps)
            else:
                near = any(
                    step.session.session_id == one.session_id
                    and abs(step.timestamp - one.timestamp) <= HALF_HOUR
                    for step in subject.steps
                )
            counts[name] += near
    return counts


def mark_bots(settings: Settings, all_: list[Subject]) -> None:
    busiest = {
        one.subject_id: max(Counter(step.date for step in one.steps).values()) for one in all_
    }
    ranked = sorted(busiest.values())
    place = -(-9995 * len(ranked) // 10000)  # rounded up
    limit = ranked[place - 1] if ranked else 0
    for one in all_:
        pages = sum(session.page_view_count for session in one.sessions)
        fast = sum(
            step.end is not None and step.end - step.timestamp < SECOND for step in one.steps
        )
        one.is_bot = (
            any(session.exclusion_reason is not None for session in one.sessions)
            or (
                pages >= settings.bot_page_views
                and sum(round(1000 * session.engaged_seconds) for session in one.sessions)
                < 100 * pages
            )
            or (len(one.steps) >= settings.bot_page_views and 2 * fast > len(one.steps) - 1)
            or busiest[one.subject_id] > limit
        )


# ---- decision points -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One step at risk of one macro."""

    subject: Subject
    step: Step
    done: dict[str, int]  # micro: microseconds since it was first done
    here: frozenset[str]
    converts: bool
    is_followed: bool
    converts_later: bool
    value: Decimal

    @property
    def stratum(self) -> tuple[Any, ...]:
        step = self.step
        return (
            binned(step.number, DEPTH_BINS, "28+" if step.number > 27 else "19-27", inclusive=True),
            binned(step.timestamp - self.subject.start, DAY_BINS, "14d+", inclusive=False),
            *self.subject.segment(step.session),
        )


def points(subject: Subject, macro: str, micros: list[str]) -> Iterator[Point]:
    settings = subject.settings
    converted = subject.first(macro)
    sale = converted.timestamp if converted else None
    for step in subject.steps:
        start = step.timestamp
        if not settings.window_start <= start < settings.as_of_timestamp:
            continue
        if sale is not None and sale < start:
            continue
        end = step.end
        converts = sale is not None and (end is None or sale < end)
        is_followed = start + settings.horizon <= settings.as_of_timestamp and not converts
        later = is_followed and sale is not None and sale <= start + settings.horizon
        done = {}
        here = set()
        last_here = 0
        for name in [*micros, *PLACEBOS]:
            first = subject.firsts.get(name)
            if first is None:
                continue
            if first.timestamp < start:
                done[name] = start - first.timestamp
            elif first.step == step and first.is_on_step:
                real = subject.firsts.get(macro)
                if real is None or first.timestamp < real.timestamp:
                    here.add(name)
                    last_here = max(last_here, first.timestamp)
        if last_here >= settings.as_of_timestamp:
            here = set()  # a step that was still open then
        value = Decimal(0)
        if later and end is not None:
            value = subject.value(macro, end, start + settings.horizon, from_after=True)
        yield Point(subject, step, done, frozenset(here), converts, is_followed, later, value)


Counted = dict[tuple[Any, ...], list[Any]]


def decision_points(all_: list[Subject], macros: list[str], micros: list[str]) -> Counted:
    """mart_decision_points: key → counts."""
    result: Counted = defaultdict(lambda: [0, 0, 0, 0, Decimal(0), Decimal(0)])
    for subject in all_:
        settings = subject.settings
        third = settings.midnight(settings.third_start_date)
        for macro in macros:
            for point in points(subject, macro, micros):
                rest = (
                    *point.stratum,
                    subject.is_bot,
                    point.step.timestamp >= third,
                    subject.bucket(),
                )
                states = {"(all)": "all"}
                for name in point.here:
                    states[name] = "done_here"
                for name, lag in point.done.items():
                    states[name] = binned(lag, LAGS, "done_over_7d", inclusive=False)
                square = rounded(point.value * point.value, "0.01")
                for name, state in states.items():
                    counts = result[macro, name, *rest, state]
                    counts[0] += 1
                    counts[1] += point.converts
                    counts[2] += point.is_followed
                    counts[3] += point.converts_later
                    counts[4] += point.value
                    counts[5] += square
    return dict(result)


def mask(names: Any, micros: list[str]) -> int:
    return sum(1 << place for place, name in enumerate(micros) if name in names)


def conversion_patterns(all_: list[Subject], macros: list[str], micros: list[str]) -> Counted:
    """mart_conversion_patterns: key → steps, conversions on the step."""
    result: Counted = defaultdict(lambda: [0, 0])
    for subject in all_:
        if subject.is_bot:
            continue
        for macro in macros:
            for point in points(subject, macro, micros):
                counts = result[macro, *point.stratum, mask(point.done, micros)]
                counts[0] += 1
                counts[1] += point.converts
    return dict(result)


# ---- one row per subject -------------------------------------------------------------------------


def landmarks(all_: list[Subject], macros: list[str], micros: list[str]) -> Counted:
    """mart_conversion_landmarks: key → subjects, converted, value and its squares."""
    result: Counted = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
    for subject in all_:
        settings = subject.settings
        landmark = subject.start + settings.landmark_days * DAY
        end = landmark + settings.horizon
        if (
            subject.is_bot
            or subject.start < settings.window_start
            or end > settings.as_of_timestamp
        ):
            continue
        done = {
            name for name in micros if (one := subject.first(name)) and one.timestamp < landmark
        }
        for macro in macros:
            sale = subject.first(macro)
            if sale is not None and sale.timestamp <= landmark:
                continue
            value = subject.value(macro, landmark, end)
            key = (macro, *subject.segment(subject.steps[0].session), mask(done, micros))
            counts = result[key]
            counts[0] += 1
            counts[1] += sale is not None and sale.timestamp <= end
            counts[2] += value
            counts[3] += rounded(value * value, "0.01")
    return dict(result)


def reach(
    all_: list[Subject], macros: list[str], micros: list[str]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """mart_conversion_reach: (macro, micro, is_bot_filtered) → its columns."""
    result = {}
    for is_filtered in (True, False):
        kept = [one for one in all_ if not (is_filtered and one.is_bot)]
        for macro in macros:
            for place, micro in enumerate([*micros, *PLACEBOS]):
                row = reach_of(kept, macro, micro)
                row["is_placebo"] = micro in PLACEBOS
                row["evidence_bit"] = None if micro in PLACEBOS else place
                result[macro, micro, is_filtered] = row
    return result


def reach_of(all_: list[Subject], macro: str, micro: str) -> dict[str, Any]:
    n: Counter[str] = Counter()
    values: list[Decimal] = []
    for subject in all_:
        settings = subject.settings
        as_of = settings.as_of_timestamp
        if subject.start >= as_of:
            continue
        sale, first = subject.first(macro), subject.first(micro)
        sold_at = sale.timestamp if sale else as_of  # as_of: later than all that is known
        n["subject_count"] += 1
        n["converted_subject_count"] += sale is not None
        is_in_window = sale is not None and sold_at >= settings.window_start
        n["first_macro_count"] += is_in_window
        n["tracked_macro_count"] += is_in_window and (
            sale is None or sale.date not in settings.silent_days.get(micro, ())
        )
        n["landmark_macro_count"] += (
            is_in_window and sold_at > subject.start + settings.landmark_days * DAY
        )
        n["occurrence_count"] += occurrence_count(subject, micro)
        n["in_session_occurrence_count"] += (
            micro in subject.firsts if micro in PLACEBOS else subject.in_session[micro]
        )
        if first is None:
            continue
        n["with_subject_count"] += 1
        n["with_converted_count"] += sale is not None
        is_before = sale is None or first.timestamp < sold_at
        if sale is not None:
            times = (
                [first.timestamp]
                if micro in PLACEBOS
                else [c.timestamp for c in subject.conversions[micro] if c.timestamp < as_of]
            )
            n["converter_occurrence_count"] += len(times)
            n["post_macro_occurrence_count"] += sum(one > sold_at for one in times)
            n["posthog_success_with_count"] += is_before
            n["exposure_before_macro_count"] += is_before
            if is_in_window:
                n["macro_preceded_count"] += is_before
                n["tracked_preceded_count"] += is_before and (
                    sale.date not in settings.silent_days.get(micro, ())
                )
                n["same_step_macro_count"] += first.step is not None and first.step == sale.step
        else:
            n["posthog_failure_with_count"] += first.timestamp < subject.start + 30 * DAY
        if is_before and first.timestamp >= settings.window_start:
            n["first_micro_total_count"] += 1
            n["monthly_subject_count"] += first.timestamp >= as_of - 30 * DAY
            end = first.timestamp + settings.horizon
            if end <= as_of:
                n["first_micro_count"] += 1
                n["first_micro_converted_count"] += sale is not None and sold_at <= end
                values.append(subject.value(macro, first.timestamp, end))
    buyers = sorted((one for one in values if one > 0), reverse=True)
    largest = buyers[: -(-len(buyers) // 100)]
    names = REACH_COUNTS
    return {name: n[name] for name in names} | {
        "first_micro_revenue_usd": sum(values, Decimal(0)),
        "first_micro_revenue_usd_squared": sum(
            (rounded(one * one, "0.01") for one in values), Decimal(0)
        ),
        "top_hundredth_revenue_usd": sum(largest, Decimal(0)),
    }


REACH_COUNTS = (
    "subject_count",
    "converted_subject_count",
    "with_subject_count",
    "with_converted_count",
    "posthog_success_with_count",
    "posthog_failure_with_count",
    "first_micro_count",
    "first_micro_converted_count",
    "first_micro_total_count",
    "macro_preceded_count",
    "first_macro_count",
    "tracked_preceded_count",
    "tracked_macro_count",
    "converter_occurrence_count",
    "post_macro_occurrence_count",
    "same_step_macro_count",
    "exposure_before_macro_count",
    "occurrence_count",
    "in_session_occurrence_count",
    "landmark_macro_count",
    "monthly_subject_count",
)


def occurrence_count(subject: Subject, micro: str) -> int:
    if micro in PLACEBOS:
        return int(micro in subject.firsts)
    return len(subject.conversions.get(micro, ()))


# ---- weekly snapshots ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Weight:
    points: float
    half_life_days: float
    cap: float | None = None
    # Fitted to the last occurrence alone; points set by hand add up.
    is_learned: bool = False


def score_snapshots(
    all_: list[Subject], macros: list[str], micros: list[str], weights: dict[str, Weight]
) -> Counted:
    """mart_score_snapshots: (macro, cut, age pattern, manual score) → subjects, converted."""
    result: Counted = defaultdict(lambda: [0, 0])
    for subject in all_:
        settings = subject.settings
        cut = settings.first_date
        while True:
            cut += dt.timedelta(days=(7 - cut.weekday()) or 7)
            if settings.midnight(cut) + settings.horizon > settings.as_of_timestamp:
                break
            ages = [(cut - step.date).days for step in subject.steps]
            if subject.is_bot or not any(0 < age <= 30 for age in ages):
                continue
            for macro in macros:
                sale = subject.first(macro)
                if sale is not None and sale.date < cut:
                    continue
                moment = settings.midnight(cut)
                counts = result[macro, cut, *features(subject, micros, weights, cut)]
                counts[0] += 1
                counts[1] += sale is not None and sale.timestamp <= moment + settings.horizon
    return dict(result)


def features(
    subject: Subject, micros: list[str], weights: dict[str, Weight], cut: dt.date
) -> tuple[str, int]:
    """Pairs of bit and age bin of what was done, and hand-set points at the cut."""
    pairs = []
    score = Decimal(0)
    moment = subject.settings.midnight(cut)
    for name, all_ in subject.conversions.items():
        before = [one for one in all_ if one.date < cut]
        if name in micros and before:
            age = min((cut - one.date).days for one in before)
            pairs.append((micros.index(name), binned(age, AGE_BINS, 6, inclusive=True)))
        weight = weights.get(name)
        if weight and before:
            decayed = [
                weight.points
                * 0.5 ** (max(moment - one.timestamp, 0) / DAY / weight.half_life_days)
                for one in before
            ]
            points_ = max(decayed) if weight.is_learned else sum(decayed)
            cap = points_ if weight.cap is None else weight.cap
            score += Decimal(min(points_, cap))
    text = " ".join(f"{bit}:{bin_}" for bit, bin_ in sorted(pairs))
    return text, int(rounded(score, "1"))


def with_settings(all_: list[Subject], **changes: Any) -> list[Subject]:
    """The same subjects, seen with other settings that steps and bots do not depend on."""
    result = []
    for one in all_:
        copy = replace(one, settings=replace(one.settings, **changes))
        result.append(copy)
    return result
