"""The metrics layer says what the marts say; where MetricFlow counts otherwise, as documented."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from metric_queries import MetricsLayer, Question, duckdb_layer
from project_run import Warehouse
from report_case import built_report

# MetricFlow's own import and its first query take five seconds.
pytestmark = pytest.mark.slow

DEVICES = ("session__device_category",)
NEEDS_TIME = {
    *("revenue_to_date_usd", "revenue_month_to_date_usd", "sessions_change_on_week"),
    *("sessions_of_seven_days", "macro_sessions_of_seven_days"),
    *("seven_day_session_base", "seven_day_macro_session_rate"),
}
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def layer() -> MetricsLayer:
    return duckdb_layer()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_report(tmp_path_factory)


def answer(
    layer: MetricsLayer,
    warehouse: Warehouse,
    metrics: tuple[str, ...],
    by: tuple[str, ...] = (),
    where: tuple[str, ...] = (),
) -> dict[Any, tuple[Any, ...]]:
    """Values of the metrics by group; the group of everything is ()."""
    rows = warehouse.rows(layer.sql(Question(metrics, by, where)))
    keys = [tuple(map(day_of, row[: len(by)])) for row in rows]
    values = [row[len(by) :] for row in rows]
    return {key[0] if len(by) == 1 else key: value for key, value in zip(keys, values, strict=True)}


def day_of(value: Any) -> Any:
    """A key; a day as a date, however MetricFlow truncated it."""
    return value.date() if isinstance(value, dt.datetime) else value


def close(value: Any, expected: Any) -> bool:
    if value is None or expected is None:
        return value is expected
    return bool(value == pytest.approx(expected, rel=1e-9, abs=1e-9))


def same(found: dict[Any, tuple[Any, ...]], expected: dict[Any, tuple[Any, ...]]) -> None:
    assert found.keys() == expected.keys()
    wrong = {
        key: (found[key], values)
        for key, values in expected.items()
        if not all(map(close, found[key], values))
    }
    assert not wrong


def test_the_definitions_are_valid(layer: MetricsLayer) -> None:
    assert layer.errors() == []
    assert {*NEEDS_TIME} < {*layer.metrics()}


def test_every_metric_and_saved_query_answers(layer: MetricsLayer, warehouse: Warehouse) -> None:
    for name in layer.metrics():
        by = ("metric_time",) if name in NEEDS_TIME else ()
        assert answer(layer, warehouse, (name,), by), name
    for name in layer.saved_queries():
        assert warehouse.rows(layer.saved_sql(name)), name


def test_sessions_visitors_and_rates_are_those_of_the_segments(
    layer: MetricsLayer, warehouse: Warehouse
) -> None:
    for by, dimension in (((), "all"), (DEVICES, "device_category")):
        rows = warehouse.records(
            f"""
            select distinct segment_value, session_count, visitor_count
            from mart_segment_conversions
            where period_grain = 'all' and segment_dimension = '{dimension}'
            """
        )
        expected = {
            () if dimension == "all" else row["segment_value"]: (
                row["session_count"],
                row["visitor_count"],
            )
            for row in rows
        }
        assert len(expected) >= (1 if dimension == "all" else 3)
        same(answer(layer, warehouse, ("sessions", "visitors"), by), expected)


def test_a_rate_of_one_conversion_is_that_of_the_segments(
    layer: MetricsLayer, warehouse: Warehouse
) -> None:
    """The catalog of the shop has two macro-conversions; here only the sale counts."""
    rows = warehouse.records(
        """
        select segment_value, session_conversion_rate as rate
        from mart_segment_conversions
        where period_grain = 'all' and segment_dimension = 'device_category'
            and conversion_name = 'purchase'
        """
    )
    only_sales = layer.sql(Question(("macro_session_rate",), DEVICES)).replace(
        '"fct_sessions"', '"sale_sessions"'
    )
    with duckdb.connect(":memory:") as connection:
        # Views name their tables with the name of the file.
        connection.execute(f"attach '{warehouse.path}' as micro_conversions (read_only)")
        connection.execute(
            """
            create view sale_sessions as
            select sessions.* replace (
                (
                    select count(*) from micro_conversions.main.fct_macro_conversions as sales
                    where sales.session_id = sessions.session_id
                        and sales.conversion_name = 'purchase'
                ) as macro_conversion_count
            )
            from micro_conversions.main.fct_sessions as sessions
            """
        )
        found = connection.execute(
            only_sales.replace('"micro_conversions"."main"."sale', '"memory"."main"."sale')
        ).fetchall()
    assert len(rows) >= 3
    same(
        {name: (rate,) for name, rate in found},
        {row["segment_value"]: (row["rate"],) for row in rows},
    )


def test_conversions_and_money_are_those_of_each_day(
    layer: MetricsLayer, warehouse: Warehouse
) -> None:
    for metrics, model, columns in (
        (
            ("macro_conversions", "macro_converting_visitors", "revenue_usd", "net_revenue_usd"),
            "macro",
            "conversion_count, converting_visitor_count, revenue_usd, net_revenue_usd",
        ),
        (
            ("micro_conversions", "micro_converting_visitors", "micro_conversion_value_usd"),
            "micro",
            "conversion_count, converting_visitor_count, value_usd",
        ),
    ):
        by = ("metric_time", f"{model}_conversion__conversion_name")
        found = answer(layer, warehouse, metrics, by)
        rows = warehouse.rows(
            f"""
            select conversion_date, conversion_name, {columns}
            from mart_daily_conversions
            where segment_dimension = 'all' and conversion_type = '{model}'
                and conversion_count > 0
            """
        )
        assert len(rows) > 30
        same(found, {(row[0], row[1]): row[2:] for row in rows})


def test_days_add_up_and_so_do_weeks_of_seven(layer: MetricsLayer, warehouse: Warehouse) -> None:
    metrics = ("sessions", "revenue_usd", "revenue_to_date_usd", "sessions_of_seven_days")
    found = answer(layer, warehouse, metrics, ("metric_time",))
    days = sorted(found)
    assert len(days) == 35
    so_far = 0.0
    for place, day in enumerate(days):
        sessions, revenue, to_date, of_seven = found[day]
        so_far += revenue or 0
        assert close(to_date, so_far)
        assert of_seven == sum(found[one][0] for one in days[max(0, place - 6) : place + 1])
        expected = warehouse.value(
            f"""
            select distinct session_count from mart_daily_conversions
            where segment_dimension = 'all' and conversion_date = date '{day}'
            """
        )
        assert sessions == expected


def test_no_rate_has_a_base_under_the_minimum(layer: MetricsLayer, warehouse: Warehouse) -> None:
    by = ("metric_time", *DEVICES)
    found = answer(layer, warehouse, ("sessions", "macro_session_rate"), by)
    small = [rate for count, rate in found.values() if count < 30]
    large = [rate for count, rate in found.values() if count >= 30]
    assert small and large
    assert {*small} == {None} and None not in large


# ---- conversion metrics, on made-up days ---------------------------------------------------------

FIRST = dt.date(2026, 3, 1)
DAYS = 21
FACTS = ("fct_sessions", "fct_micro_conversions", "fct_macro_conversions")
BASES = {
    "session": ("fct_sessions", "session_date", "session_id"),
    "micro": ("fct_micro_conversions", "conversion_date", "conversion_event_id"),
}


def made_up(seed: int, bases_per_day: int = 1) -> tuple[Rows, Rows]:
    """Base events and conversions of forty visitors, some of them excluded."""
    draw = random.Random(seed)
    bases, conversions = [], []
    for visitor in range(40):
        for day in range(DAYS):
            for copy in range(bases_per_day):
                if draw.random() < 0.15:
                    bases.append((visitor, day, f"b{visitor}.{day}.{copy}", draw.random() < 0.2))
            if draw.random() < 0.08:
                conversions.append((visitor, day, f"c{visitor}.{day}", draw.random() < 0.2))
    names = ("visitor", "day", "id", "is_excluded")
    return (
        [dict(zip(names, row, strict=True)) for row in bases],
        [dict(zip(names, row, strict=True)) for row in conversions],
    )


def counted_slowly(bases: Rows, conversions: Rows) -> tuple[dict[bool, int], dict[bool, int]]:
    """Bases and conversions, by whether six days are loaded after the base."""
    counted: dict[bool, int] = {True: 0, False: 0}
    followed: dict[bool, int] = {True: 0, False: 0}
    kept = [base for base in bases if not base["is_excluded"]]
    for base in kept:
        counted[DAYS - 1 - base["day"] >= 6] += 1
    for one in conversions:
        before = [
            base["day"]
            for base in kept
            if base["visitor"] == one["visitor"] and 0 <= one["day"] - base["day"] <= 6
        ]
        if before and not one["is_excluded"]:
            followed[DAYS - 1 - max(before) >= 6] += 1
    return counted, followed


@pytest.fixture
def empty(warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of the build without their rows."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("attach ':memory:' as micro_conversions")
        connection.execute("use micro_conversions")
        for table in (*FACTS, "dim_dates"):
            columns = ", ".join(f"{row[0]} {row[1]}" for row in warehouse.rows(f"describe {table}"))
            connection.execute(f"create table {table} ({columns})")
        for day in range(DAYS):
            connection.execute(
                "insert into dim_dates by name select ? as calendar_date, ? as followed_day_count",
                [FIRST + dt.timedelta(days=day), DAYS - 1 - day],
            )
        yield connection


def fill(connection: duckdb.DuckDBPyConnection, kind: str, bases: Rows, sales: Rows) -> None:
    macro = ("fct_macro_conversions", "conversion_date", "conversion_event_id")
    for (table, day, key), rows in ((BASES[kind], bases), (macro, sales)):
        connection.executemany(
            f"insert into {table} by name select ? as {key}, ? as visitor_id, ? as {day},"
            " ? as exclusion_reason",
            [
                (
                    row["id"],
                    str(row["visitor"]),
                    FIRST + dt.timedelta(days=row["day"]),
                    "suspected_bot" if row["is_excluded"] else None,
                )
                for row in rows
            ],
        )


@pytest.mark.parametrize("kind", ["session", "micro"])
@pytest.mark.parametrize("bases_per_day", [1, 3])
def test_a_conversion_is_that_of_the_nearest_day_within_seven(
    layer: MetricsLayer, empty: duckdb.DuckDBPyConnection, kind: str, bases_per_day: int
) -> None:
    for seed in range(3):
        bases, conversions = made_up(seed, bases_per_day)
        for table in FACTS:
            empty.execute(f"delete from {table}")
        fill(empty, kind, bases, conversions)
        question = Question(
            (f"macro_after_{kind}", f"macro_after_{kind}_rate"), ("date__is_followed_for_a_week",)
        )
        found = {row[0]: row[1:] for row in empty.execute(layer.sql(question)).fetchall()}
        counted, followed = counted_slowly(bases, conversions)
        assert min(followed.values()) > 0
        expected = {key: (followed[key], followed[key] / counted[key]) for key in counted}
        same(found, expected)


def test_it_agrees_with_the_funnel_where_nobody_does_anything_twice(
    layer: MetricsLayer, empty: duckdb.DuckDBPyConnection
) -> None:
    """One base event a visitor, at most one conversion, on a later day: then it is a share."""
    bases, conversions = made_up(1)
    first: dict[int, dict[str, Any]] = {}
    for base in bases:
        if not base["is_excluded"] and base["day"] < DAYS - 7:
            first.setdefault(base["visitor"], base)
    later: dict[int, dict[str, Any]] = {}
    for one in conversions:
        begun = first.get(one["visitor"])
        if begun and not one["is_excluded"] and begun["day"] < one["day"]:
            later.setdefault(one["visitor"], one)
    fill(empty, "session", list(first.values()), list(later.values()))
    reached = [one for key, one in later.items() if one["day"] - first[key]["day"] <= 6]
    assert 0 < len(reached) < len(later)
    [(rate,)] = empty.execute(layer.sql(Question(("macro_after_session_rate",)))).fetchall()
    assert rate == pytest.approx(len(reached) / len(first))
