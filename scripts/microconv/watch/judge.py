"""Judges every watched rate on its last complete days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from microconv.watch.metrics import Foundations, Series
from microconv.watch.tracking import Problem, suspect_days
from microconv.watching import (
    Direction,
    Finding,
    Rule,
    Standing,
    Watch,
    firing_days,
    score_days,
    watch,
)
from microconv.watching.alerts import LAG_DAYS
from microconv.watching.scores import WEEK


@dataclass(frozen=True)
class Judged:
    """A rate, and what is known of it.

    Args:
        series: The rate.
        suspect: Days on which tracking says nothing of it.
        days: The judged days, ascending; none if no day is complete.
        last: The last of them; None without one.
        firing: The days on which a rule fires.
    """

    series: Series
    suspect: frozenset[date]
    days: tuple[date, ...]
    last: Watch | None
    firing: tuple[Watch, ...]

    @property
    def alerts(self) -> list[Alert]:
        """One per direction: the newest day on which it fires speaks for the others."""
        found = []
        for direction in Direction:
            days = [
                (one, tuple(rule for rule in one.findings if rule.direction is direction))
                for one in self.firing
            ]
            firing = [(one, rules) for one, rules in days if rules]
            if firing:
                newest, rules = firing[-1]
                is_ongoing = self.last is not None and newest.day == self.last.day
                found.append(
                    Alert(
                        self, direction, newest, rules, is_ongoing, [day.day for day, _ in firing]
                    )
                )
        return found


@dataclass(frozen=True)
class Alert:
    """A rate that moved one way.

    Args:
        judged: The rate.
        direction: Which way.
        watch: The newest day on which a rule fires.
        findings: The rules that fire on it.
        is_ongoing: Whether that is the last judged day.
        days: All judged days on which a rule fires this way.
    """

    judged: Judged
    direction: Direction
    watch: Watch
    findings: tuple[Finding, ...]
    is_ongoing: bool
    days: Sequence[date]

    @property
    def since(self) -> date:
        """The first day on which the rules fire without a pause; at most a week back."""
        return max(min(one.since for one in self.findings), self._week_start)

    @property
    def looked_at_since(self) -> date:
        """The first day that the rules look at: seven days back where one judges seven days.

        Such a rule fires days after the change began; the days before it fired are its evidence.
        """
        is_of_a_week = any(one.rule is not Rule.SUDDEN for one in self.findings)
        return self._week_start if is_of_a_week else self.since

    @property
    def _week_start(self) -> date:
        return self.watch.day - timedelta(days=WEEK - 1)


def judge_all(
    series: Sequence[Series],
    loaded: Sequence[date],
    since_days: int,
    problems: Sequence[Problem],
    foundations: Foundations,
    silent: Mapping[str, frozenset[date]],
    minimum: int,
) -> list[Judged]:
    """Judge the last complete days of every rate.

    Args:
        series: The rates.
        loaded: Loaded days, ascending.
        since_days: How many of the last complete days.
        problems: What broke in tracking.
        foundations: What rates rest on.
        silent: Days on which conversions were hardly recorded.
        minimum: Trials that a day needs for its rate to be said.
    """
    by_metric: dict[str, frozenset[date]] = {}
    found = []
    for one in series:
        key = one.metric.key
        if key not in by_metric:
            by_metric[key] = suspect_days(one.metric, problems, foundations, silent)
        found.append(judge(one, loaded, since_days, by_metric[key], minimum))
    return found


def judge(
    series: Series,
    loaded: Sequence[date],
    since_days: int,
    suspect: frozenset[date],
    minimum: int = 0,
) -> Judged:
    """Judge the last complete days of one rate: final, and old enough not to change any more."""
    complete = [
        day
        for day in loaded
        if series.mature_until is not None
        and day <= min(series.mature_until, loaded[-1] - timedelta(days=LAG_DAYS))
    ]
    if not complete:
        return Judged(series, suspect, (), None, ())
    last = complete[-1]
    days = tuple(day for day in complete if (last - day).days < since_days)
    counts = series.counts.until(last)
    firing: list[Watch] = []
    if len(counts) and counts.is_watchable:
        # What fires is found for all days at once; only those days are looked at more closely.
        scores = score_days(counts.without(suspect))
        fires = firing_days(scores)
        for day in days:
            place = counts.place(day)
            if place >= 0 and any(is_firing[place] for is_firing in fires.values()):
                seen = _said(watch(counts, day, lag_days=0, suspect_days=suspect), minimum)
                if seen.notifies:
                    firing.append(seen)
    return Judged(
        series, suspect, days, watch(counts, last, lag_days=0, suspect_days=suspect), tuple(firing)
    )


def _said(seen: Watch, minimum: int) -> Watch:
    """Without the rule that judges a single day, where too few were there to say its rate."""
    if seen.trials >= minimum:
        return seen
    return replace(seen, findings=tuple(o for o in seen.findings if o.rule is not Rule.SUDDEN))


def is_watched(judged: Judged) -> bool:
    """Whether the last day can be judged at all."""
    return judged.last is not None and judged.last.standing is Standing.WATCHED
