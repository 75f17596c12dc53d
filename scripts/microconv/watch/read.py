"""Fetches what is watched from DuckDB or BigQuery: counts by day, in a few statements."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from microconv.aggregates.cells import columns_of
from microconv.aggregates.literals import literal
from microconv.errors import FINDINGS, MicroconvError
from microconv.evidence.quantities import Floats, Ints
from microconv.watch.metrics import (
    ALL,
    PAID_SALE_SHARE,
    Foundations,
    Funnel,
    Metric,
    Series,
    Step,
    series_of,
    without_copies,
)

if TYPE_CHECKING:
    from microconv.profile import Warehouse

_EPOCH = date(1970, 1, 1)
_SERIES = ("metric_kind", "metric_name", "step_number", "segment_dimension", "segment_value")


@dataclass(frozen=True)
class Annotation:
    """A change that people know of."""

    day: date
    what: str
    where: str


@dataclass(frozen=True)
class TrackedCounts:
    """Counts of events and their parts: a row per part, a column per loaded day.

    Args:
        names: Event, part and value of each row, as in mart_tracked_counts.
        days: Of the columns, ascending; days without an export are missing.
        counted: Events of the part.
        true_counts: Those that say yes.
        false_counts: Those that say no.
        all_counts: Events of the name.
        sessions: Of each day, a row per part.
    """

    names: tuple[tuple[str, str, str], ...]
    days: tuple[date, ...]
    counted: Floats
    true_counts: Floats
    false_counts: Floats
    all_counts: Floats
    sessions: Floats


@dataclass(frozen=True)
class SegmentRows:
    """Counts by day of one rate in the segments of one dimension; of a mean also variances."""

    values: tuple[str, ...]
    codes: Ints
    days: Ints
    successes: Floats
    trials: Floats
    variances: Floats | None = None

    def variance_of_days(self, days: Collection[date]) -> float:
        """Of a mean the variance of the sum over some days, known groups only; else NaN."""
        if self.variances is None:
            return math.nan
        chosen = np.isin(self.days, [(day - _EPOCH).days for day in days])
        return float(np.nansum(self.variances[chosen]))

    def of_days(self, days: Collection[date]) -> tuple[Floats, Floats]:
        """Successes and trials of some days together, per segment."""
        wanted = [(day - _EPOCH).days for day in days]
        chosen = np.isin(self.days, wanted)
        size = len(self.values)
        successes, trials = (
            np.bincount(self.codes[chosen], counts[chosen], size).astype(np.float64)
            for counts in (self.successes, self.trials)
        )
        return successes, trials


@dataclass(frozen=True)
class WatchReader:
    """The statements of `watch` over an open warehouse."""

    warehouse: Warehouse

    @property
    def minimum(self) -> int:
        """Of how many a rate may be said."""
        return int(self.warehouse.config.vars.to_dict().get("minimum_group_size", 30))

    def as_of(self) -> date:
        """The last loaded day.

        Raises:
            MicroconvError: No day was loaded.
        """
        rows = self._rows("select as_of_date from {}", "int_export_as_of")
        if not rows or not isinstance(rows[0]["as_of_date"], date):
            raise MicroconvError("No day was loaded yet.", "Run `make build` first.", FINDINGS)
        return rows[0]["as_of_date"]

    def foundations(self) -> Foundations:
        """What rates rest on, from the catalog and the other lists."""
        catalog = self._rows(
            "select conversion_name, label, conversion_type, supports from {}", "dim_conversions"
        )
        events, requires = defaultdict(set), defaultdict(set)
        for row in self._rows(
            "select conversion_name, event_name, coalesce(field, '') as field from {}",
            "conversion_rules",
        ):
            events[str(row["conversion_name"])].add((str(row["event_name"]), str(row["field"])))
        for row in self._rows("select conversion_name, requires from {}", "derived_conversions"):
            requires[str(row["conversion_name"])].add(str(row["requires"]))
        kpis = {
            str(row["kpi_name"]): frozenset(
                [*_words(row["numerator"]), *_words(row["denominator"])]
            )
            for row in self._rows(
                "select kpi_name, numerator, denominator from {}", "kpi_definitions"
            )
        }
        return Foundations(
            labels={str(row["conversion_name"]): str(row["label"]) for row in catalog},
            kinds={str(row["conversion_name"]): str(row["conversion_type"]) for row in catalog},
            supports={
                str(row["conversion_name"]): str(row["supports"])
                for row in catalog
                if row["supports"]
            },
            events={name: frozenset(pairs) for name, pairs in events.items()},
            requires={name: frozenset(names) for name, names in requires.items()},
            kpis=kpis,
            funnels=self._funnels(),
            selling=frozenset(
                str(row["conversion_name"])
                for row in self._rows(
                    "select distinct conversion_name from {} where revenue_usd > 0"
                    " order by conversion_name",
                    "fct_macro_conversions",
                )
            ),
        )

    def series(self, funnels: Mapping[str, Funnel], dimensions: Sequence[str] = ()) -> list[Series]:
        """Every watched rate, each series once.

        Args:
            funnels: By name.
            dimensions: Also the segments of these.
        """
        wanted = ", ".join(self._text(name) for name in (ALL, *dimensions))
        frame = self._frame(f"""
            select
                {", ".join(_SERIES)}, metric_label, rate_date, success_count, trial_count,
                is_mature, is_ramp_up
            from {self.warehouse.relation("mart_tracked_rates")}
            where segment_dimension in ({wanted})
            order by {", ".join(_SERIES)}, rate_date
        """)
        if not frame:
            return []
        edges = _edges(frame, _SERIES)
        names = {name: frame[name] for name in (*_SERIES, "metric_label")}
        metrics, labels, shorts = [], [], []
        for start in edges[:-1]:
            cell = {name: _cell(column, start) for name, column in names.items()}
            metric = Metric(*(cell[name] for name in _SERIES))
            metrics.append(metric)
            labels.append(_label(metric, str(cell["metric_label"]), funnels))
            shorts.append(_short(metric, str(cell["metric_label"])))
        columns = {
            "day": _days(frame["rate_date"]).astype(float),
            "successes": frame["success_count"].astype(float),
            "trials": frame["trial_count"].astype(float),
            "is_mature": frame["is_mature"].astype(float),
            "is_ramp_up": frame["is_ramp_up"].astype(float),
        }
        found = series_of(metrics, labels, shorts, edges, columns, _EPOCH)
        # Of a funnel as a whole its end is watched; the steps before it are there to explain that.
        last = {name: funnel.steps[-1].number for name, funnel in funnels.items() if funnel.steps}
        return without_copies(
            one
            for one in [*found, *self._means(wanted)]
            if one.metric.kind != "funnel" or one.metric.step == last.get(one.metric.name)
        )

    def _means(self, dimensions: str) -> list[Series]:
        """Money and key figures that are means, of these dimensions as a list of literals.

        Sales that come with revenue are a step of the diagnosis; that they all lose it is found
        as a fault of tracking.
        """
        names = ("metric_kind", "metric_name", "segment_dimension", "segment_value")
        frame = self._frame(f"""
            select
                {", ".join(names)}, metric_label, value_unit, mean_date, value_sum, unit_count,
                sum_variance, is_mature
            from {self.warehouse.relation("mart_tracked_means")}
            where segment_dimension in ({dimensions})
                and metric_name <> {self._text(PAID_SALE_SHARE)}
            order by {", ".join(names)}, mean_date
        """)
        if not frame:
            return []
        edges = _edges(frame, names)
        metrics, labels, shorts, units = [], [], [], []
        for start in edges[:-1]:
            kind, name, dimension, value = (str(_cell(frame[one], start)) for one in names)
            metric = Metric(kind, name, 0, dimension, value)
            label = str(_cell(frame["metric_label"], start))
            metrics.append(metric)
            labels.append(_label(metric, label, {}))
            shorts.append(_short(metric, label))
            units.append(str(_cell(frame["value_unit"], start)))
        columns = {
            "day": _days(frame["mean_date"]).astype(float),
            "successes": frame["value_sum"].astype(float),
            "trials": frame["unit_count"].astype(float),
            "variances": frame["sum_variance"].astype(float),
            "is_mature": frame["is_mature"].astype(float),
            "is_ramp_up": np.zeros(edges[-1]),
        }
        return series_of(metrics, labels, shorts, edges, columns, _EPOCH, units)

    def segments(
        self, keys: Collection[str], first: date, last: date
    ) -> dict[str, dict[str, SegmentRows]]:
        """Counts by day and segment of some rates, by key and dimension; `all` among them."""
        return self._segments(
            "mart_tracked_rates",
            "metric_kind || '/' || metric_name || '/' || cast(step_number as string)",
            ("rate_date", "success_count", "trial_count"),
            keys,
            (first, last),
        )

    def mean_segments(
        self, keys: Collection[str], first: date, last: date
    ) -> dict[str, dict[str, SegmentRows]]:
        """The same of means: sums, units and the variance of the sums."""
        return self._segments(
            "mart_tracked_means",
            "metric_kind || '/' || metric_name || '/0'",
            ("mean_date", "value_sum", "unit_count", "sum_variance"),
            keys,
            (first, last),
        )

    def _segments(
        self,
        mart: str,
        key: str,
        columns: tuple[str, ...],
        keys: Collection[str],
        days: tuple[date, date],
    ) -> dict[str, dict[str, SegmentRows]]:
        """Rows of a mart by day and segment; `key` is the SQL of a metric's key."""
        if not keys:
            return {}
        frame = self._frame(f"""
            select
                {key} as metric_key, segment_dimension, segment_value, {", ".join(columns)}
            from {self.warehouse.relation(mart)}
            where {columns[0]} between {self._day(days[0])} and {self._day(days[1])}
                and {key} in ({self._texts(keys)})
            order by metric_key, segment_dimension, segment_value, {columns[0]}
        """)
        return segment_rows(frame, columns)

    def silent_days(self) -> dict[str, frozenset[date]]:
        """Days on which a conversion was hardly recorded, as the marts say them."""
        found = defaultdict(set)
        for row in self._rows(
            "select conversion_name, outage_date from {}", "mart_conversion_outages"
        ):
            found[str(row["conversion_name"])].add(row["outage_date"])
        return {name: frozenset(days) for name, days in found.items()}

    def tracked(self) -> TrackedCounts | None:
        """Counts of events and their parts; None where nothing was counted."""
        frame = self._frame(f"""
            select
                event_name, part, part_value, event_date, event_count, true_count, false_count,
                all_count, session_count
            from {self.warehouse.relation("mart_tracked_counts")}
            order by event_name, part, part_value, event_date
        """)
        if not frame:
            return None
        edges = _edges(frame, ("event_name", "part", "part_value"))
        shape = (len(edges) - 1, edges[1])
        columns = ("event_name", "part", "part_value")
        counts = [
            frame[name].astype(float).reshape(shape)
            for name in ("event_count", "true_count", "false_count", "all_count", "session_count")
        ]
        return TrackedCounts(
            tuple(
                tuple(str(_cell(frame[name], start)) for name in columns)  # type: ignore[misc]
                for start in edges[:-1]
            ),
            tuple(
                _EPOCH + timedelta(days=int(day)) for day in _days(frame["event_date"])[: edges[1]]
            ),
            *counts,
        )

    def annotations(self) -> list[Annotation]:
        """The change log, by day."""
        rows = self._rows(
            "select annotation_date, what_changed, where_changed from {}", "annotations"
        )
        found = [
            Annotation(
                row["annotation_date"], str(row["what_changed"]), str(row["where_changed"] or "")
            )
            for row in rows
        ]
        return sorted(found, key=lambda one: (one.day, one.what, one.where))

    def written(self, days: Collection[date], as_of: date, dimensions: Sequence[str]) -> list[str]:
        """Whose rows of these days an earlier run wrote, those of the same last loaded day too.

        Args:
            days: The judged days.
            as_of: The last loaded day; what was broken then is replaced as a whole.
            dimensions: Rows of segments only of these.
        """
        if not days:
            return []
        kept = ", ".join(self._text(name) for name in (ALL, *dimensions))
        rows = self._rows(
            f"""
            select distinct watch_id from {{}}
            where (
                    alert_date between {self._day(min(days))} and {self._day(max(days))}
                    and metric_kind <> 'tracking'
                    and segment_dimension in ({kept})
                )
                or (as_of_date = {self._day(as_of)} and metric_kind = 'tracking')
            order by watch_id
            """,
            "mart_alerts",
        )
        return [str(row["watch_id"]) for row in rows]

    def _funnels(self) -> dict[str, Funnel]:
        rows = self._rows(
            "select funnel_name, funnel_label, step_order, step_number, conversion_name,"
            " step_label, role from {} order by funnel_name, step_number",
            "dim_funnel_steps",
        )
        steps: dict[str, list[Step]] = defaultdict(list)
        about: dict[str, tuple[str, bool]] = {}
        for row in rows:
            name = str(row["funnel_name"])
            about[name] = str(row["funnel_label"]), row["step_order"] != "any"
            if row["role"] == "step":
                steps[name].append(
                    Step(
                        int(row["step_number"]), str(row["conversion_name"]), str(row["step_label"])
                    )
                )
        return {name: Funnel(name, *about[name], tuple(found)) for name, found in steps.items()}

    def _rows(self, sql: str, model: str) -> list[dict[str, Any]]:
        return self.warehouse.run_query(sql.format(self.warehouse.relation(model)))

    def _frame(self, sql: str) -> dict[str, Any]:
        return columns_of(self.warehouse.run_batches(sql))

    def _text(self, value: str) -> str:
        return literal(value, self.warehouse.is_duckdb)

    def _texts(self, values: Collection[str]) -> str:
        return ", ".join(self._text(value) for value in sorted(values))

    def _day(self, day: date) -> str:
        return literal(day, self.warehouse.is_duckdb)


def segment_rows(
    frame: dict[str, Any], columns: Sequence[str]
) -> dict[str, dict[str, SegmentRows]]:
    """Rows that are ordered by `metric_key` and segment, by key and dimension.

    Args:
        frame: `metric_key`, `segment_dimension`, `segment_value`, and the columns.
        columns: Names of the date, the successes, the trials, and of means the variances.
    """
    found: dict[str, dict[str, SegmentRows]] = defaultdict(dict)
    if not frame:
        return found
    days = _days(frame[columns[0]])
    for start, end in pairwise(_edges(frame, ("metric_key", "segment_dimension"))):
        codes, places = np.unique(frame["segment_value"].codes[start:end], return_inverse=True)
        values = tuple(frame["segment_value"].names[code] for code in codes)
        key = str(_cell(frame["metric_key"], start))
        counts = [frame[name][start:end].astype(float) for name in columns[1:]]
        found[key][str(_cell(frame["segment_dimension"], start))] = SegmentRows(
            values, places.astype(np.int64), days[start:end], *counts
        )
    return found


def _label(metric: Metric, label: str, funnels: Mapping[str, Funnel]) -> str:
    funnel = funnels.get(metric.name)
    if metric.kind == "funnel" and funnel:
        label = f"Funnel “{funnel.label}” to “{label}”"
    elif metric.kind == "funnel_step" and funnel:
        label = f"Step “{label}” of “{funnel.label}”"
    return label if metric.dimension == ALL else f"{label} ({metric.dimension} {metric.value})"


def _short(metric: Metric, label: str) -> str:
    """The label as it stands in a table, where room is short."""
    if metric.kind in ("funnel", "funnel_step"):
        label = f"{metric.name}{' … ' if metric.kind == 'funnel' else ': '}{label}"
    return label if metric.dimension == ALL else f"{label} ({metric.value})"


def _words(value: Any) -> list[str]:
    return [word for word in str(value or "").split("|") if word]


def _edges(frame: dict[str, Any], columns: Sequence[str]) -> list[int]:
    """Where rows begin that differ from those before in some of the columns, and the end."""
    size = len(getattr(frame[columns[0]], "codes", frame[columns[0]]))
    changes = np.zeros(max(size - 1, 0), dtype=np.bool_)
    for name in columns:
        codes = getattr(frame[name], "codes", frame[name])
        changes |= codes[1:] != codes[:-1]
    return [0, *(np.flatnonzero(changes) + 1).tolist(), size]


def _cell(column: Any, place: int) -> Any:
    if hasattr(column, "codes"):
        return column.names[column.codes[place]]
    return int(column[place])


def _days(column: Any) -> Ints:
    return np.asarray(column.astype("datetime64[D]").astype(np.int64))
