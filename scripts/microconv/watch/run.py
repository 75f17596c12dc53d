"""One run of `watch`: read, judge, explain."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from microconv.errors import refuse_unknown
from microconv.watch import rows, words
from microconv.watch.explain import Explanation, explain, metrics_needed, periods_of
from microconv.watch.judge import Alert, Judged, judge_all
from microconv.watch.metrics import Foundations, Metric, Series
from microconv.watch.money import is_revenue
from microconv.watch.read import WatchReader
from microconv.watch.report import Outcome, run_row
from microconv.watch.rows import Explained
from microconv.watch.tracking import Problem, find_problems, suspect_days
from microconv.writing import Table

if TYPE_CHECKING:
    from microconv.profile import Warehouse


def run_watch(
    warehouse: Warehouse,
    since_days: int,
    metrics: Collection[str] = (),
    dimensions: Sequence[str] = (),
) -> Outcome:
    """Read what is counted, find what broke and what moved, and explain that.

    Args:
        warehouse: Open for reading.
        since_days: How many of the last complete days are judged.
        metrics: Only rates of these names; none for all.
        dimensions: Also the segments of these.

    Raises:
        MicroconvError: A table is missing, or there is no rate of such a name.
    """
    reader = WatchReader(warehouse)
    as_of = reader.as_of()
    foundations = reader.foundations()
    series = reader.series(foundations.funnels, dimensions)
    silent = reader.silent_days()
    annotations = reader.annotations()
    whole = [one for one in series if one.metric.dimension == "all"]
    tracked = reader.tracked()
    problems = find_problems(tracked, whole, foundations)
    chosen = _chosen(series, metrics)
    judged = judge_all(
        chosen,
        tracked.days if tracked else (),
        since_days,
        problems,
        foundations,
        silent,
        reader.minimum,
    )
    alerts = [alert for one in judged for alert in one.alerts]
    earned = judge_all(
        [one for one in whole if is_revenue(one.metric)],
        tracked.days if tracked else (),
        1,
        problems,
        foundations,
        silent,
        reader.minimum,
    )
    found = [
        Explained(alert, explanation, words.near(annotations, alert.looked_at_since, alert.since))
        for alert, explanation in _explained(
            reader, alerts, foundations, earned[0] if earned else None
        )
    ]
    first = as_of - timedelta(days=since_days - 1)
    return Outcome(
        as_of,
        since_days,
        reader.minimum,
        judged,
        sorted(found, key=lambda one: not one.alert.is_ongoing),
        [
            (problem, words.near(annotations, problem.suspicion.days[0]))
            for problem in problems
            if (problem.suspicion.is_ongoing or problem.suspicion.days[-1] >= first)
            and (not metrics or _concerns(problem, chosen, foundations))
        ],
        reader.written({day for one in judged for day in one.days}, as_of, dimensions),
    )


def tables_of(found: Outcome, is_whole: bool) -> tuple[list[Table], list[str]]:
    """What is written, and whose rows are replaced.

    Args:
        found: The outcome.
        is_whole: Whether every rate was judged, so that an alert that is not among them is over,
            and everything that broke is; only such a run is put on record as one.
    """
    as_of, minimum = found.as_of, found.minimum
    alerts = [row for one in found.alerts for row in rows.alert_rows(one, as_of, minimum)]
    parts = [row for one in found.alerts for row in rows.part_rows(one)]
    judged = {rows.watch_id(day, one.series.metric) for one in found.judged for day in one.days}
    owners = set(found.written) if is_whole else judged & set(found.written)
    owners |= {str(row["watch_id"]) for row in alerts}
    if is_whole:
        alerts += [rows.problem_row(one, as_of, noted) for one, noted in found.problems]
        owners |= {rows.tracking_id(as_of), rows.run_id(as_of)}
    tables = [
        Table("mart_alerts", tuple(alerts)),
        Table("mart_alert_parts", tuple(parts)),
        Table("mart_watch_runs", (run_row(found),) if is_whole else ()),
    ]
    return tables, sorted(owners)


def _chosen(series: Sequence[Series], names: Collection[str]) -> list[Series]:
    known = sorted({one.metric.name for one in series})
    for name in names:
        refuse_unknown("watched rate", name, known)
    return [one for one in series if not names or one.metric.name in names]


def _explained(
    reader: WatchReader,
    alerts: Sequence[Alert],
    foundations: Foundations,
    revenue: Judged | None,
) -> list[tuple[Alert, Explanation]]:
    """Alerts with their explanations; segments of all of them are read at once."""
    if not alerts:
        return []
    keys: set[str] = set()
    days: set[date] = set()
    for alert in alerts:
        keys |= metrics_needed(alert, foundations)
        periods = periods_of(alert)
        days |= periods.before | periods.after
    segments = reader.segments(keys, min(days), max(days)) if days else {}
    means = reader.mean_segments(keys, min(days), max(days)) if days else {}
    rows = {**segments, **means}
    return [(alert, explain(alert, rows, foundations, revenue)) for alert in alerts]


def _concerns(problem: Problem, chosen: Sequence[Series], foundations: Foundations) -> bool:
    metrics: set[Metric] = {one.metric for one in chosen}
    return any(suspect_days(one, [problem], foundations, {}) for one in metrics)
