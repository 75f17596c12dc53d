"""What a run of `watch` found, as one document: the JSON that docs/watch.schema.json describes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from microconv.watch import rows, words
from microconv.watch.judge import Alert, Judged, is_watched
from microconv.watch.metrics import ALL
from microconv.watch.read import Annotation
from microconv.watch.rows import Explained
from microconv.watch.tracking import Problem
from microconv.watching import Watch, alert_sentences
from microconv.watching.units import SHARE
from microconv.writing import Row

SCHEMA = "microconv.watch/1"

LIMITS = (
    "Where a number moved is said, never what moved it: what was noted near a day may have nothing "
    "to do with it.",
    "Every rate swings by chance, and many are watched: of a hundred rates that did not change, "
    "ten to twenty trip a rule within a month, and thirty or more where good and bad days come "
    "in runs.",
    "A drop smaller than the smallest that can be seen stays unseen; that is no proof that nothing "
    "changed.",
)


@dataclass(frozen=True)
class Outcome:
    """Everything that a run found.

    Args:
        as_of: The last loaded day.
        since_days: How many of the last complete days were judged.
        minimum: Of fewer no rate is said.
        judged: Every rate, those of segments included.
        alerts: What moved, with its diagnosis; what is still so first.
        problems: Tracking that broke in these days, or still is, with what was noted near it.
        written: Whose rows of these days an earlier run wrote.
    """

    as_of: date
    since_days: int
    minimum: int
    judged: Sequence[Judged]
    alerts: Sequence[Explained]
    problems: Sequence[tuple[Problem, Sequence[Annotation]]]
    written: Sequence[str] = ()

    @property
    def notifies(self) -> bool:
        """Whether somebody is to be told."""
        return bool(self.alerts or self.problems)

    @property
    def watched_count(self) -> int:
        """How many rates the rules could be tested for."""
        return sum(is_watched(one) for one in self.judged)

    @property
    def watched_until(self) -> date | None:
        """The last judged day of any rate; None where no day is complete."""
        return max((one.days[-1] for one in self.judged if one.days), default=None)


def headline(found: Outcome) -> str:
    """What there is to tell, of how many rates and until when."""
    alerts, problems, until = len(found.alerts), len(found.problems), found.watched_until
    told = (
        f"{alerts} alert{'' if alerts == 1 else 's'}, "
        f"{problems} problem{'' if problems == 1 else 's'} of tracking"
    )
    days = f"the last {found.since_days} complete day{'' if found.since_days == 1 else 's'}"
    judged = f"{days} up to {until:%Y-%m-%d}" if until else "no day is complete yet"
    return (
        f"{told if found.notifies else 'Nothing to tell'}: {found.watched_count} of "
        f"{len(found.judged)} rates could be watched, {judged} "
        f"({found.as_of:%Y-%m-%d} is the last loaded day)."
    )


def run_row(found: Outcome) -> Row:
    """That and what was watched: what tells "nothing found" from "never looked"."""
    return {
        "watch_id": rows.run_id(found.as_of),
        "as_of_date": found.as_of,
        "since_days": found.since_days,
        "first_judged_date": min((one.days[0] for one in found.judged if one.days), default=None),
        "watched_until_date": found.watched_until,
        "rates_watched_count": found.watched_count,
        "rates_not_watched_count": len(found.judged) - found.watched_count,
        "alert_count": len(found.alerts),
        "tracking_problem_count": len(found.problems),
        "segment_dimensions": ", ".join(
            sorted({one.series.metric.dimension for one in found.judged} - {ALL})
        ),
        "summary": headline(found),
    }


def document(found: Outcome) -> dict[str, Any]:
    """The outcome as plain values; numbers that are not defined become null when it is printed."""
    return {
        "schema": SCHEMA,
        "as_of": found.as_of,
        "since_days": found.since_days,
        "watched_until": found.watched_until,
        "summary": {
            "alerts": len(found.alerts),
            "tracking_problems": len(found.problems),
            "rates_watched": found.watched_count,
            "rates_not_watched": len(found.judged) - found.watched_count,
        },
        "tracking": [_problem(problem, found.as_of, noted) for problem, noted in found.problems],
        "alerts": [_alert(one, found.minimum) for one in found.alerts],
        "rates": [rate_of(one, found.minimum) for one in found.judged],
        "limits": list(LIMITS),
    }


def rate_of(judged: Judged, minimum: int) -> dict[str, Any]:
    """What is known of a rate on its last judged day, alerts or not."""
    metric, seen = judged.series.metric, judged.last
    about = {
        "metric_kind": metric.kind,
        "metric_name": metric.name,
        "step_number": metric.step,
        "segment_dimension": metric.dimension,
        "segment_value": metric.value,
        "label": judged.series.label,
        "also_called": list(judged.series.also),
    }
    if seen is None:
        return {
            **about,
            "day": None,
            "standing": "no_complete_day",
            "value_unit": judged.series.counts.unit,
            **dict.fromkeys(_NUMBERS),
            "is_below_previous_week": False,
            "history_days": 0,
            "sentence": f"{judged.series.label}: no day is complete yet.",
        }
    rate = words.rate_on(seen, minimum)
    return {
        **about,
        "day": seen.day,
        "standing": seen.standing.value,
        "value_unit": seen.unit,
        "success_count": _successes(seen),
        "trial_count": seen.trials,
        "rate": rate.value,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "baseline_rate": seen.baseline,
        "change_vs_previous_week": words.simple_change(seen, minimum),
        "smallest_daily_drop": seen.smallest_daily_drop,
        "smallest_weekly_drop": seen.smallest_weekly_drop,
        "is_below_previous_week": seen.trials >= minimum and seen.is_below_previous_week,
        "history_days": seen.history_days,
        "sentence": " ".join(alert_sentences(seen, judged.series.label)),
    }


_NUMBERS = (
    *("success_count", "trial_count", "rate", "rate_low", "rate_high", "baseline_rate"),
    *("change_vs_previous_week", "smallest_daily_drop", "smallest_weekly_drop"),
)


def _alert(found: Explained, minimum: int) -> dict[str, Any]:
    alert: Alert = found.alert
    metric, seen = alert.judged.series.metric, alert.watch
    rate = words.rate_on(seen, minimum)
    return {
        "metric_kind": metric.kind,
        "metric_name": metric.name,
        "step_number": metric.step,
        "segment_dimension": metric.dimension,
        "segment_value": metric.value,
        "label": alert.judged.series.label,
        "also_called": list(alert.judged.series.also),
        "direction": alert.direction.value,
        "day": seen.day,
        "since": alert.since,
        "looked_at_since": alert.looked_at_since,
        "is_ongoing": alert.is_ongoing,
        "days": list(alert.days),
        "value_unit": seen.unit,
        "success_count": _successes(seen),
        "trial_count": seen.trials,
        "rate": rate.value,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "baseline_rate": seen.baseline,
        "dispersion": seen.dispersion,
        "rules": [
            {
                "rule": one.rule.value,
                "relative_change": one.change,
                "statistic": one.statistic,
                "limit": one.limit,
                "since": one.since,
            }
            for one in alert.findings
        ],
        "sentence": found.sentence,
        "evidence": words.evidence_sentence(alert, minimum),
        "diagnosis": found.diagnosis,
        "next_look": found.next_look,
        "annotations": _noted(found.annotations),
        "parts": [_part(row) for row in rows.part_rows(found)],
    }


def _part(row: Row) -> dict[str, Any]:
    """A part; its rate or its mean under one name, in its unit."""
    told = {name: row.get(name) for name in _PARTS}
    for name in ("before", "after"):
        told[f"rate_{name}"] = row.get(f"rate_{name}", row.get(f"mean_{name}"))
    return told


def _successes(seen: Watch) -> float:
    return seen.successes if seen.unit == SHARE else math.nan


_PARTS = (
    *("part_kind", "part_dimension", "part_value", "trial_count_before", "trial_count_after"),
    *("value_unit", "rate_before", "rate_after", "contribution", "share", "q_value", "is_main"),
)


def _problem(problem: Problem, as_of: date, noted: Sequence[Annotation]) -> dict[str, Any]:
    row = rows.problem_row(problem, as_of, noted)
    days = problem.suspicion.days
    return {
        "kind": row["rule"],
        "name": row["metric_label"],
        "dimension": problem.suspicion.tracked.dimension,
        "value": problem.suspicion.tracked.value,
        "since": days[0],
        "until": days[-1],
        "day_count": len(days),
        "is_ongoing": row["is_ongoing"],
        "counted": row["counted_count"],
        "expected": row["expected_count"],
        "sentence": row["sentence"],
        "next_look": row["next_look"],
        "annotations": _noted(noted),
    }


def _noted(found: Sequence[Annotation]) -> list[dict[str, Any]]:
    return [{"day": one.day, "what": one.what, "where": one.where} for one in found]
