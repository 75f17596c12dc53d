"""`mart_kpis` counts what a slow reading of the facts counts, for every kind of definition."""

from __future__ import annotations

import csv
import math
import shutil
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from causal_words import FORBIDDEN
from kpi_reference import Cell, Facts, Record, Value, values_of
from microconv.demo.generate import generate_demo
from microconv.evidence.outage import silent_days
from project_run import PROJECT, Warehouse, shared_warehouse

UNTIL = date(2026, 6, 20)
DAYS = 20
COLUMNS = ("measure", "unit", "numerator", "denominator", "within_days", "low", "high", "act_below")
# Every measure with every unit and denominator that goes with it.
KPIS: dict[str, tuple[str, ...]] = {
    "cart_rate": ("share", "session", "add_to_cart", "all", "", "0.05", "0.1", "0.03"),
    "any_interest_rate": ("share", "session", "search|add_to_wishlist", "all", "", "", "", ""),
    "long_visit_rate": ("share", "session", "pages:3", "all", "", "0.9", "1", "0.8"),
    "engaged_rate": ("share", "session", "engaged", "pages:2", "", "", "0.1", ""),
    "checkout_rate": ("share", "session", "begin_checkout", "add_to_cart", "", "0.3", "0.5", ""),
    "views_per_visit": ("mean", "session", "view_item", "all", "", "2", "4", ""),
    "views_per_cart": ("mean", "session", "view_item", "add_to_cart", "", "", "", ""),
    "kinds_per_visit": ("distinct", "session", "search|view_item|purchase", "all", "", "", "", ""),
    "search_times": ("times", "session", "purchase|add_to_cart", "search", "", "2", "3", ""),
    "pages_times": ("times", "session", "add_to_cart", "pages:3", "", "", "", ""),
    "wishlist_rate": ("share", "visitor", "add_to_wishlist", "all", "", "", "", ""),
    "cart_to_order": ("share", "visitor", "purchase", "add_to_cart", "3", "", "", ""),
    "return_rate": ("share", "visitor", "return", "new_visitors", "7", "", "", ""),
    "return_to_cart": ("share", "visitor", "add_to_cart", "return:5", "4", "", "", ""),
    "views_in_a_week": ("mean", "visitor", "view_item", "new_visitors", "7", "", "", ""),
    "kinds_in_a_week": ("distinct", "visitor", "search|view_item", "new_visitors", "7", *("",) * 3),
    "days_to_cart": ("mean_days", "visitor", "add_to_cart", "new_visitors", "5", "", "", ""),
    "page_of_cart": ("mean", "occurrence", "page_depth", "add_to_cart", "", "", "", ""),
    "cart_value": ("mean", "occurrence", "value_usd", "add_to_cart", "", "", "", ""),
    "time_of_view": ("mean", "occurrence", "engaged_seconds_on_page", "view_item", "", "", "", ""),
    "never_rate": ("mean", "session", "add_payment_info", "watch_video", "", "", "", ""),
}


def write_definitions(path: Path) -> None:
    with (PROJECT / "seeds" / "kpi_definitions.csv").open(encoding="utf-8") as file:
        header = next(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        for name, values in KPIS.items():
            said = dict(zip(COLUMNS, values, strict=True))
            writer.writerow(
                {
                    "kpi_name": name,
                    "label": name,
                    "vertical": "ecommerce",
                    **{key: said[key] for key in COLUMNS[:5]},
                    "benchmark_low": said["low"],
                    "benchmark_high": said["high"],
                    "act_below": said["act_below"],
                }
            )


def build_kpis(warehouse: Warehouse) -> None:
    """Build what the KPIs need, with lists of its own: dbt writes over those that it has read."""
    warehouse.seeds = warehouse.root / "seeds"
    shutil.copytree(PROJECT / "seeds", warehouse.seeds, ignore=shutil.ignore_patterns("*.yml"))
    write_definitions(warehouse.seeds / "kpi_definitions.csv")
    warehouse.build("--select", "+mart_kpis", "mart_conversion_outages")


def build(warehouse: Warehouse) -> None:
    generate_demo(warehouse.export, days=DAYS, visitors_per_day=60, seed=8, until=UNTIL)
    build_kpis(warehouse)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return shared_warehouse(tmp_path_factory, "kpis", build)


@pytest.fixture(scope="module")
def facts(warehouse: Warehouse) -> Facts:
    sessions = warehouse.records("select * from fct_sessions where exclusion_reason is null")
    quality = "page_depth, value_usd, engaged_seconds_on_page, occurred_at, session_id"
    conversions = warehouse.records(
        " union all ".join(
            f"""select conversion_name, visitor_id, conversion_date as day, {quality} from {table}
        where visitor_id is not null and exclusion_reason is null"""
            for table in ("fct_micro_conversions", "fct_macro_conversions")
        )
    )
    return Facts(sessions, conversions, warehouse.value("select as_of_date from int_export_as_of"))


def definition(name: str) -> Record:
    kpi: Record = dict(zip(COLUMNS, KPIS[name], strict=True))
    return kpi | {"within_days": int(kpi["within_days"] or 0)}


def found_values(warehouse: Warehouse, name: str) -> dict[Cell, Value]:
    rows = warehouse.rows(f"""
        select period_grain, period_start_date, segment_dimension, segment_value,
            numerator, denominator, value, value_low, value_high, immature_count
        from mart_kpis
        where kpi_name = '{name}'
            and segment_dimension in ('all', 'device_category', 'channel_group')
    """)
    return {(row[0], row[1], row[2], row[3]): Value(*row[4:]) for row in rows}


def is_close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize("name", KPIS)
def test_every_kpi_equals_the_reference(warehouse: Warehouse, facts: Facts, name: str) -> None:
    expected, found = values_of(definition(name), facts), found_values(warehouse, name)
    nothing = ("all", None, "all", "all")
    assert found.keys() - {nothing} == expected.keys() - {nothing}
    for cell, value in expected.items():
        here = found[cell]
        # What is no share of anything shown stands without its parts.
        parts = () if value.value is None else ("numerator", "denominator")
        names = (*parts, "value", "low", "high", "immature")
        wrong = [one for one in names if not is_close(getattr(here, one), getattr(value, one))]
        assert not wrong, f"{cell}: {wrong} {here} instead of {value}"


def test_the_reference_sees_values_and_refusals(warehouse: Warehouse, facts: Facts) -> None:
    """The comparison above would say little if all values were missing."""
    shown = {
        name: sum(value.value is not None for value in values_of(definition(name), facts).values())
        for name in KPIS
    }
    assert {name: count for name, count in shown.items() if count < 3} == {}
    values = values_of(definition("return_rate"), facts).values()
    assert any(value.value is None for value in values) and any(value.immature for value in values)


def test_shares_of_all_are_those_of_the_segment_mart(warehouse: Warehouse) -> None:
    """Two marts must not say two numbers for one thing."""
    for kpi, conversion, unit in (
        ("cart_rate", "add_to_cart", "session"),
        ("wishlist_rate", "add_to_wishlist", "visitor"),
    ):
        compared = warehouse.rows(f"""
            select
                count(*), count(*) filter (
                    kpis.value is distinct from segments.{unit}_conversion_rate
                    or kpis.value_low is distinct from segments.{unit}_conversion_rate_low
                )
            from mart_kpis as kpis
            inner join mart_segment_conversions as segments
                using (period_grain, segment_dimension, segment_value)
            where kpis.kpi_name = '{kpi}'
                and segments.conversion_name = '{conversion}'
                and kpis.period_start_date is not distinct from segments.period_start_date
        """)
        assert compared[0][0] > 100 and compared[0][1] == 0, (kpi, compared)


def test_no_kpi_is_sold_as_an_effect() -> None:
    lists = [PROJECT / "seeds", *(PROJECT / "scripts/microconv/starters").glob("*/")]
    texts = [
        row[column]
        for folder in lists
        for path in folder.glob("kpi_definitions.csv")
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        for column in ("label", "advice")
    ]
    assert len(texts) > 100
    assert [text for text in texts if FORBIDDEN.search(text)] == []


def test_status_follows_from_the_interval(warehouse: Warehouse) -> None:
    rows = warehouse.records("select * from mart_kpis")
    for row in rows:
        assert row["status"] == expected_status(row), row
    said = {row["status"] for row in rows}
    assert {"too few", "no benchmark", "cannot tell", "inside", "below", "above"} <= said
    assert "needs work" in said


def expected_status(row: Record) -> str:
    low, high, act = (row[name] for name in ("benchmark_low", "benchmark_high", "act_below"))
    if row["value"] is None:
        return "too few"
    if low is None and high is None and act is None:
        return "no benchmark"
    if act is not None and row["value_high"] < act:
        return "needs work"
    if low is not None and row["value_high"] < low:
        return "below"
    if high is not None and row["value_low"] > high:
        return "above"
    is_inside = (low is None or row["value_low"] >= low) and (
        high is None or row["value_high"] <= high
    )
    return "inside" if is_inside else "cannot tell"


def test_a_silent_conversion_makes_its_kpis_unreliable(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """Two of twenty days without product views: these days, their week and all of time."""
    silent = Warehouse(tmp_path)
    for path in sorted(warehouse.export.glob("events_*.parquet")):
        is_silent = path.name in ("events_20260609.parquet", "events_20260610.parquet")
        duckdb.execute(
            f"""copy (
                select * from '{path}' where event_name <> 'view_item' or not {is_silent}
            ) to '{silent.export / path.name}'"""
        )
    build_kpis(silent)
    assert silent.rows("select * exclude (expected_count) from mart_conversion_outages") == [
        ("view_item", date(2026, 6, day), count, 0)
        for day, count in silent.rows(
            """select day(session_date), count(*) from int_sessions_segmented
            where session_date in ('2026-06-09', '2026-06-10') group by 1 order by 1"""
        )
    ]
    said = silent.rows(
        """select kpi_name, period_grain, cast(period_start_date as text), outage_day_count
        from mart_kpis where status = 'unreliable' and segment_dimension = 'all' order by all"""
    )
    assert [row[1:] for row in said if row[0] == "views_per_visit"] == [
        ("all", None, 2),
        ("day", "2026-06-09", 1),
        ("day", "2026-06-10", 1),
        ("week", "2026-06-08", 2),
    ]
    # A visitor who is watched for a week may have missed it from a week before on.
    watched = [row[2] for row in said if row[:2] == ("views_in_a_week", "week")]
    assert watched == ["2026-06-01", "2026-06-08"]
    assert {row[0] for row in said} >= {"kinds_per_visit", "kinds_in_a_week", "time_of_view"}
    assert not {row[0] for row in said} & {"cart_rate", "return_rate", "search_times"}


def test_outages_are_those_of_the_evidence(warehouse: Warehouse, tmp_path: Path) -> None:
    """One rule in SQL and in Python, on random series with and without silent days."""
    rng = np.random.default_rng(4)
    path = tmp_path / "series.duckdb"
    compiled = silence_statement(warehouse)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """create table mart_daily_conversions (conversion_name text, conversion_date date,
            segment_dimension text, conversion_count bigint, session_count bigint,
            is_ramp_up boolean)"""
        )
        expected, single, left_out = set(), 0, set()
        for number in range(600):
            days = [date.fromordinal(739000 + day) for day in range(int(rng.integers(1, 40)))]
            visits = rng.integers(0, 900, len(days))
            share = rng.choice([0.01, 0.02, 0.05, 0.4, 2.0])
            events = rng.poisson(visits * share)
            events[rng.random(len(days)) < rng.choice([0.0, 0.1, 0.5])] //= 15
            if rng.random() < 0.4:
                first, length = int(rng.integers(0, len(days))), int(rng.integers(1, 8))
                events[first : first + length] = 0
            connection.executemany(
                "insert into mart_daily_conversions values (?, ?, 'all', ?, ?, false)",
                [
                    (str(number), day, int(one), int(size))
                    for day, one, size in zip(days, events, visits, strict=True)
                ],
            )
            is_silent, wanted = silent_days(events, visits)
            expected |= {(str(number), days[place]) for place in np.flatnonzero(is_silent)}
            single += int((is_silent & (wanted < 20)).sum())
            is_none = (events == 0) & (wanted >= 5)
            left_out |= {
                (str(number), days[place]) for place in np.flatnonzero(is_silent | is_none)
            }
        found = connection.execute(
            f"select conversion_name, conversion_date, is_outage, is_untracked from ({compiled})"
        ).fetchall()
    assert {row[:2] for row in found if row[2]} == expected
    assert {row[:2] for row in found if row[3]} == left_out
    assert len(expected) > 300 and single > 30 and len(left_out) > len(expected)
    assert any(not row[3] for row in found)


def silence_statement(warehouse: Warehouse) -> str:
    """The model's SQL as it is run, over a table of the test."""
    warehouse.dbt("compile", "--select", "mart_conversion_silences").must_succeed()
    [path] = (warehouse.root / "target").rglob("compiled/**/mart_conversion_silences.sql")
    sql: str = path.read_text(encoding="utf-8")
    return sql.replace('"micro_conversions"."main".', "")
