"""What the cohort tables count, said slowly: visitor by visitor, behaviour by behaviour."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from evidence_reference import DAY, Conversion, Counted, Settings, Subject, rounded


@dataclass(frozen=True)
class Beginner:
    """A visitor whose first step was the first ever."""

    visitor_id: str
    subjects: list[Subject]
    conversions: dict[str, list[Conversion]]
    settings: Settings

    @property
    def first(self) -> Subject:
        return min(self.subjects, key=lambda one: (one.start, one.subject_id))

    @property
    def week(self) -> dt.date:
        date = self.first.steps[0].date
        return date - dt.timedelta(days=date.weekday())

    @property
    def landmark(self) -> int:
        return self.first.start + self.settings.landmark_days * DAY

    def moments(self, name: str) -> list[int]:
        return [one.timestamp for one in self._conversions(name)]

    def _conversions(self, name: str) -> list[Conversion]:
        all_ = self.conversions.get(name, ())
        return [one for one in all_ if one.timestamp < self.settings.as_of_timestamp]

    def had(self, name: str) -> bool:
        return any(moment < self.landmark for moment in self.moments(name))

    def is_early(self, macro: str) -> bool:
        return any(moment <= self.landmark for moment in self.moments(macro))

    def converts(self, macro: str, age: int) -> bool:
        return any(moment <= self.landmark + age * DAY for moment in self.moments(macro))

    def is_seen(self, age: int) -> bool:
        start, end = self.landmark + max(age - 7, 0) * DAY, self.landmark + age * DAY
        return any(
            start < step.timestamp <= end
            for subject in self.subjects
            for step in subject.steps
            if step.timestamp < self.settings.as_of_timestamp
        )

    def value(self, macro: str, age: int) -> Decimal:
        return sum(
            (
                rounded(one.value_usd or 0, "0.000001")
                for one in self._conversions(macro)
                if self.landmark < one.timestamp <= self.landmark + age * DAY
            ),
            Decimal(0),
        )

    def sides(self, micros: list[str]) -> Iterator[tuple[str, str, str]]:
        """Kind, name and side of every behaviour that tells this visitor from others."""
        done = {name for name in micros if self.had(name)}
        activating = set(self.settings.activations or micros)
        yield "all", "(all)", "all"
        yield "activation", "(activated)", "with" if done & activating else "without"
        if len(done) != 2 and done:
            yield "number", "(3 or more)", "with" if len(done) > 2 else "without"
        for name in micros:
            yield "micro_conversion", name, "with" if name in done else "without"


def beginners(all_: list[Subject], conversions: list[Conversion]) -> Iterator[Beginner]:
    """New visitors without a bot among their subjects, whose landmark has passed."""
    by_visitor: dict[str, list[Subject]] = defaultdict(list)
    done: dict[str | None, dict[str, list[Conversion]]] = defaultdict(lambda: defaultdict(list))
    for conversion in conversions:
        # Also what was done in a session without a page, which is no subject by itself.
        is_somebodys = conversion.session_id or all_[0].settings.subject == "visitor"
        is_let_in = conversion.exclusion_reason in (None, "suspected_bot")
        if conversion.is_counted and is_let_in and is_somebodys:
            done[conversion.visitor_id][conversion.name].append(conversion)
    for subject in all_:
        if subject.start < subject.settings.as_of_timestamp:
            by_visitor[subject.visitor_id].append(subject)
    for visitor, subjects in by_visitor.items():
        one = Beginner(visitor, subjects, done[visitor], subjects[0].settings)
        if (
            one.first.visitor_type() == "new"
            and not any(subject.is_bot for subject in subjects)
            and one.landmark <= one.settings.as_of_timestamp
        ):
            yield one


def ages(settings: Settings) -> list[int]:
    weeks = [7 * week for week in range(1, settings.cohort_weeks + 1)]
    return sorted({*weeks, settings.horizon_days})


def complete_date(settings: Settings, week: dt.date, age: int) -> dt.date:
    """The first date at whose end everybody of the week was followed to the age."""
    days = dt.timedelta(days=1)
    end = settings.midnight(week + 7 * days) + (settings.landmark_days + age) * DAY
    date = week
    while settings.midnight(date + days) < end:
        date += days
    return date


def cohorts(
    all_: list[Subject], conversions: list[Conversion], macros: list[str], micros: list[str]
) -> Counted:
    """mart_cohorts: key → date, whether complete, visitors, early ones, outcomes."""
    counts: Counted = defaultdict(lambda: [0, 0, 0, 0, Decimal(0), Decimal(0)])
    settings = all_[0].settings
    for one in beginners(all_, conversions):
        for macro in macros:
            for kind, name, side in one.sides(micros):
                for age in ages(settings):
                    row = counts[macro, one.week, kind, name, side, age]
                    if one.is_early(macro):
                        row[1] += 1
                        continue
                    value = one.value(macro, age)
                    row[0] += 1
                    row[2] += one.converts(macro, age)
                    row[3] += one.is_seen(age)
                    row[4] += value
                    row[5] += rounded(value * value, "0.01")
    result = {}
    for key, row in counts.items():
        date = complete_date(settings, key[1], key[-1])
        is_complete = date <= settings.as_of_date
        outcomes = row[2:] if is_complete else [None] * 4
        result[key] = [date, is_complete, *row[:2], *outcomes]
    return result


def strata(
    all_: list[Subject], conversions: list[Conversion], macros: list[str], micros: list[str]
) -> Counted:
    """mart_cohort_strata: key → visitors, converted, seen again, value."""
    counts: Counted = defaultdict(lambda: [0, 0, 0, Decimal(0)])
    settings = all_[0].settings
    for one in beginners(all_, conversions):
        if complete_date(settings, one.week, settings.horizon_days) > settings.as_of_date:
            continue
        session = one.first.steps[0].session
        place = (session.device_category or "(unknown)", session.channel_group)
        bucket = bucket_of(one.visitor_id, settings.buckets)
        for macro in macros:
            if one.is_early(macro):
                continue
            for kind, name, side in one.sides(micros):
                if kind == "all":
                    continue
                row = counts[macro, name, side, one.week, *place, bucket]
                row[0] += 1
                row[1] += one.converts(macro, settings.horizon_days)
                row[2] += one.is_seen(settings.horizon_days)
                row[3] += one.value(macro, settings.horizon_days)
    return dict(counts)


def bucket_of(visitor: str, buckets: int) -> int:
    import hashlib

    return int(hashlib.md5(visitor.encode()).hexdigest()[:8], 16) % buckets
