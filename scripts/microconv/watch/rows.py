"""Alerts and their diagnosis as rows of the two marts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from microconv.correlate.rows import estimate_columns
from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.watch import money, words
from microconv.watch.explain import Explanation
from microconv.watch.judge import Alert
from microconv.watch.metrics import ALL, Metric
from microconv.watch.read import Annotation
from microconv.watch.tracking import Problem
from microconv.watching import SegmentPart, Watch
from microconv.watching.units import SHARE
from microconv.writing import Cell, Row

MOST_SEGMENTS = 10
"""Of a dimension the largest parts are written."""


@dataclass(frozen=True)
class Explained:
    """An alert with everything that is said of it."""

    alert: Alert
    explanation: Explanation
    annotations: Sequence[Annotation]

    @property
    def sentence(self) -> str:
        """What moved."""
        return words.alert_sentence(self.alert)

    @property
    def diagnosis(self) -> str:
        """What it consists of."""
        return words.diagnosis_paragraph(self.explanation)

    @property
    def next_look(self) -> str:
        """One thing to look at."""
        return words.next_look(self.alert, self.explanation)


def stories(found: Sequence[Explained]) -> list[tuple[Explained, list[Explained]]]:
    """Alerts that name the same segment, each story told by the clearest of them."""
    groups: dict[tuple[object, ...], list[Explained]] = {}
    for place, one in enumerate(found):
        read = one.explanation.diagnosis
        key: tuple[object, ...] = (place,)
        if not isinstance(read, Refusal) and read.dimension and read.segment:
            key = (one.alert.direction, read.part, read.dimension.dimension, read.segment.value)
        groups.setdefault(key, []).append(one)
    told = []
    for group in groups.values():
        main = max(group, key=lambda one: max(abs(f.statistic) for f in one.alert.findings))
        told.append((main, [one for one in group if one is not main]))
    return told


def watch_id(day: date, metric: Metric) -> str:
    """Whose rows they are: those of a rate on a judged day are replaced together."""
    return f"{day.isoformat()}/{metric.id}"


def tracking_id(as_of: date) -> str:
    """Of everything that was broken as of a day."""
    return f"{as_of.isoformat()}/tracking"


def run_id(as_of: date) -> str:
    """Of the run over every rate as of a day."""
    return f"{as_of.isoformat()}/run"


def alert_rows(found: Explained, as_of: date, minimum: int) -> list[Row]:
    """A row per day and rule; what is said in words stands with the newest day."""
    alert = found.alert
    rows: list[Row] = []
    for seen in alert.judged.firing:
        is_newest = seen.day == alert.watch.day
        rate = words.rate_on(seen, minimum)
        for rule in seen.findings:
            if rule.direction is not alert.direction:
                continue
            rows.append(
                {
                    **_head(alert, seen.day, as_of),
                    "rule": rule.rule.value,
                    "direction": alert.direction.value,
                    "notifies": True,
                    "is_ongoing": is_newest and alert.is_ongoing,
                    "since_date": rule.since,
                    "relative_change": rule.change,
                    "statistic": rule.statistic,
                    "limit_value": rule.limit,
                    "success_count": round(seen.successes) if seen.unit == SHARE else None,
                    "trial_count": round(seen.trials),
                    **_level(seen, rate),
                    "change_vs_previous_week": words.simple_change(seen, minimum),
                    "dispersion": seen.dispersion,
                    "smallest_daily_drop": seen.smallest_daily_drop,
                    "smallest_weekly_drop": seen.smallest_weekly_drop,
                    "sentence": found.sentence if is_newest else "",
                    "diagnosis": found.diagnosis if is_newest else "",
                    "next_look": found.next_look if is_newest else "",
                    "annotations": words.annotation_sentence(found.annotations),
                }
            )
    return rows


def problem_row(problem: Problem, as_of: date, annotations: Sequence[Annotation]) -> Row:
    """A problem of tracking; it has no business diagnosis."""
    found = problem.suspicion
    return {
        "watch_id": tracking_id(as_of),
        "as_of_date": as_of,
        "alert_date": found.days[-1],
        "metric_kind": "tracking",
        "metric_name": problem.id,
        "step_number": 0,
        "segment_dimension": found.tracked.dimension or ALL,
        "segment_value": found.tracked.value or ALL,
        "metric_label": found.tracked.name,
        "rule": found.kind.value,
        "direction": "",
        "notifies": True,
        "is_ongoing": found.is_ongoing,
        "since_date": found.days[0],
        "counted_count": found.counted,
        "expected_count": found.expected,
        "sentence": words.problem_sentence(problem),
        "diagnosis": "",
        "next_look": words.problem_next_look(found),
        "annotations": words.annotation_sentence(annotations),
    }


def part_rows(found: Explained) -> list[Row]:
    """What the diagnosis consists of, of the newest day of an alert."""
    alert, read = found.alert, found.explanation
    head: Row = {
        "watch_id": watch_id(alert.watch.day, alert.judged.series.metric),
        "alert_date": alert.watch.day,
        "metric_kind": alert.judged.series.metric.kind,
        "metric_name": alert.judged.series.metric.name,
        "step_number": alert.judged.series.metric.step,
        "direction": alert.direction.value,
    }
    rows: list[Row] = []

    def add(kind: str, dimension: str = "", value: str = "", **more: Cell) -> None:
        rows.append(
            {**head, "part_kind": kind, "part_dimension": dimension, "part_value": value, **more}
        )

    if not isinstance(read.volume, Refusal):
        for kind, part in (("volume", read.volume.volume), ("rate", read.volume.rate)):
            share = part / read.volume.change if read.volume.change else None
            add(kind, contribution=part, share=share, is_main=False)
    for step in read.steps:
        unit = money.UNITS.get(step.name, SHARE)
        add(
            "step",
            "",
            step.name,
            **_before_and_after(step.rate_before, step.rate_after, unit),
            contribution=step.contribution,
            share=step.share,
            is_main=read.step is not None and step.name == read.step.name,
        )
    if not isinstance(read.diagnosis, Refusal):
        change, main = read.diagnosis.change, read.diagnosis.segment
        shift = read.diagnosis.shift
        for one in read.diagnosis.dimensions:
            is_main = read.diagnosis.dimension is one
            mix, rate = float(one.parts.mix.sum()), float(one.parts.rate.sum())
            for kind, part in (("mix_of_dimension", mix), ("rate_of_dimension", rate)):
                share = part / change if change else None
                add(kind, one.dimension, contribution=part, share=share, is_main=is_main)
            for segment in one.segments[:MOST_SEGMENTS]:
                for kind, part in (("mix", segment.mix), ("segment_rate", segment.rate)):
                    add(
                        kind,
                        one.dimension,
                        segment.value,
                        contribution=part,
                        share=part / change if change else None,
                        is_main=segment is main or (kind == "mix" and segment is shift),
                        **_segment(segment, read.diagnosis.unit),
                    )
    for guard in read.guards:
        pair = guard.pair
        add("guard", value=guard.label, contribution=pair.guard.value, is_main=pair.warns)
    return rows


def _level(seen: Watch, rate: Estimate) -> dict[str, Cell]:
    """What the day and its usual level are, in the columns of a rate or in those of a mean."""
    name = "rate" if seen.unit == SHARE else "mean"
    return {
        "value_unit": seen.unit,
        **estimate_columns(name, rate),
        f"baseline_{name}": seen.baseline,
    }


def _before_and_after(before: float, after: float, unit: str) -> dict[str, Cell]:
    name = "rate" if unit == SHARE else "mean"
    return {"value_unit": unit, f"{name}_before": before, f"{name}_after": after}


def _head(alert: Alert, day: date, as_of: date) -> Row:
    metric = alert.judged.series.metric
    return {
        "watch_id": watch_id(day, metric),
        "as_of_date": as_of,
        "alert_date": day,
        "metric_kind": metric.kind,
        "metric_name": metric.name,
        "step_number": metric.step,
        "segment_dimension": metric.dimension,
        "segment_value": metric.value,
        "metric_label": alert.judged.series.label,
    }


def _segment(one: SegmentPart, unit: str) -> dict[str, Cell]:
    return {
        "trial_count_before": round(one.trials_before),
        "trial_count_after": round(one.trials_after),
        **_before_and_after(one.rate_before, one.rate_after, unit),
        "q_value": one.q_value,
    }
