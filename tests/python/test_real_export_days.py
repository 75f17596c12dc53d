"""On real export days the tables agree with plain queries on the files, written independently.

Runs only where the environment variable GA4_REAL_EXPORT_FILES is a glob of the 26 sample days
(Google's public Merchandise Store export of November and December 2020, which the project does not
ship). They are built once, unless GA4_REAL_DUCKDB names a file that already was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from export_rows import PROPERTY_ZONE
from microconv.aggregates.run import open_run
from microconv.cli import app
from microconv.correlate.family import read_macro
from microconv.discover.read import read_files
from microconv.evidence.verdict import Reason, Verdict
from project_run import PROJECT, Warehouse
from report_page import read_page, wrong_numbers
from typer.testing import CliRunner

FILES = os.environ.get("GA4_REAL_EXPORT_FILES", "")
BUILT = os.environ.get("GA4_REAL_DUCKDB", "")

pytestmark = pytest.mark.skipif(
    not FILES,
    reason="GA4_REAL_EXPORT_FILES names no real export days, which the project does not ship",
)

PUBLISHED_DAY = date(2020, 11, 4)
HOUR = 3_600_000_000
FUNNEL = (
    "view_item",
    "add_to_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
)


class BuiltWarehouse(Warehouse):
    """A DuckDB file that was built before, read where it lies, since its views name it."""

    @property
    def path(self) -> Path:
        return Path(BUILT)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    root = tmp_path_factory.mktemp("real")
    if BUILT:
        return BuiltWarehouse(root)
    real = Warehouse(root, pattern=str(Path(FILES).absolute()))
    real.build()
    return real


@pytest.fixture(scope="module")
def files() -> Iterator[duckdb.DuckDBPyConnection]:
    """The raw rows as a table `raw`, with the day of their file and their session number."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table raw as
            select
                cast(
                    strptime(regexp_extract(filename, '([0-9]{8})[.]parquet$', 1), '%Y%m%d') as date
                ) as day,
                event_timestamp,
                event_name,
                user_pseudo_id,
                list_filter(event_params, lambda p: p.key = 'ga_session_id')[1].value.int_value
                    as session_number,
                coalesce(
                    nullif(ecommerce.transaction_id, '(not set)'),
                    list_filter(event_params, lambda p: p.key = 'transaction_id')[1].value.int_value
                        ::varchar
                ) as transaction_id,
                ecommerce.purchase_revenue_in_usd as revenue
            from read_parquet($files, filename = true, union_by_name = true)
            """,
            {"files": FILES},
        )
        yield connection


# ---- every row accounted for ---------------------------------------------------------------------


def test_every_raw_row_of_every_day_is_accounted_for(
    warehouse: Warehouse, files: duckdb.DuckDBPyConnection
) -> None:
    raw = dict(files.execute("select day, count(*) from raw group by day").fetchall())
    staged = dict(warehouse.rows("select event_date, raw_row_count from stg_ga4__export_days"))
    assert staged == raw
    assert (
        warehouse.rows(
            "select event_date from stg_ga4__export_days"
            " where raw_row_count <> accepted_count + rejected_count + duplicate_count"
        )
        == []
    )
    for count, table in [
        ("accepted_count", "stg_ga4__events"),
        ("rejected_count", "stg_ga4__rejected_events"),
    ]:
        kept = dict(warehouse.rows(f"select event_date, count(*) from {table} group by event_date"))
        counted = warehouse.rows(f"select event_date, {count} from stg_ga4__export_days")
        assert {day: number for day, number in counted if number} == kept


def test_the_26_sample_days_hold_1180291_events(warehouse: Warehouse) -> None:
    assert warehouse.rows("select count(*), sum(raw_row_count) from stg_ga4__export_days") == [
        (26, 1_180_291)
    ]


def test_columns_that_2020_lacks_are_reported(warehouse: Warehouse) -> None:
    reported = warehouse.rows(
        "select distinct missing_columns from stg_ga4__export_days where missing_column_count > 0"
    )
    names = ", ".join(text for (text,) in reported)
    for name in ("batch_page_id", "collected_traffic_source.gclid", "stream_id (BIGINT)"):
        assert name in names


# ---- published numbers ---------------------------------------------------------------------------


def test_one_day_has_the_events_visitors_and_purchases_that_others_published(
    warehouse: Warehouse,
) -> None:
    day = f"event_date = '{PUBLISHED_DAY}'"
    assert warehouse.rows(
        "select count(*), count(distinct user_pseudo_id),"
        " count(*) filter (where event_name = 'purchase'),"
        " count(*) filter (where event_name = 'session_start')"
        f" from stg_ga4__events where {day}"
    ) == [(51_866, 3_734, 46, 4_281)]


def test_outages_and_gaps_are_shown_as_they_are(warehouse: Warehouse) -> None:
    """Nothing is added to a cart on three days, and days without an export have no row."""
    found = warehouse.rows(
        "select conversion_date, conversion_count from mart_daily_conversions"
        " where conversion_name = 'add_to_cart' and segment_dimension = 'all'"
        " and conversion_date between '2020-11-20' and '2020-11-24' order by 1"
    )
    assert found == [(date(2020, 11, day), 0) for day in (21, 22, 23)]


# ---- sessions and purchases ----------------------------------------------------------------------


def test_sessions_agree_with_a_plain_query(
    warehouse: Warehouse, files: duckdb.DuckDBPyConnection
) -> None:
    """A session is a visitor and a session number, and belongs to the day of its first event."""
    expected = files.execute(
        """
        with sessions as (
            select min_by(day, event_timestamp) as day, count(*) as events
            from raw
            where user_pseudo_id is not null and session_number is not null
            group by user_pseudo_id, session_number
        )
        select day, count(*), sum(events) from sessions group by day order by day
        """
    ).fetchall()
    assert (
        warehouse.rows(
            "select session_date, count(*), sum(event_count) from fct_sessions"
            " group by all order by 1"
        )
        == expected
    )
    assert len(expected) == 26


def test_purchases_agree_with_a_plain_query(
    warehouse: Warehouse, files: duckdb.DuckDBPyConnection
) -> None:
    """An order counts once per visitor and transaction id, at its first event.

    (not set) is no id; the parameter stands in for it, and without that each purchase counts.
    """
    expected = files.execute(
        """
        with purchases as (
            select
                day,
                revenue,
                row_number() over (
                    partition by user_pseudo_id, transaction_id order by event_timestamp
                ) as repetition,
                transaction_id is null as is_nameless
            from raw
            where event_name = 'purchase'
        )
        select day, count(*), sum(revenue) from purchases
        where repetition = 1 or is_nameless group by day order by day
        """
    ).fetchall()
    found = warehouse.rows(
        "select conversion_date, count(*), sum(revenue_usd) from fct_macro_conversions"
        " where conversion_name = 'purchase' group by all order by 1"
    )
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    for row, other in zip(found, expected, strict=True):
        assert row[2] == pytest.approx(other[2])
    assert dict(row[:2] for row in found)[PUBLISHED_DAY] == 46


def test_visitors_agree_with_a_plain_query(
    warehouse: Warehouse, files: duckdb.DuckDBPyConnection
) -> None:
    expected = files.execute(
        "select count(distinct user_pseudo_id) from raw where session_number is not null"
    ).fetchone()
    assert warehouse.rows("select count(*) from dim_visitors where session_count > 0") == [expected]


# ---- the funnel, event by event ------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One event of the funnel: when, and which step it is."""

    micros: int
    number: int


@dataclass
class Counted:
    """A funnel's counts in one period."""

    reached: list[int] = field(default_factory=lambda: [0] * len(FUNNEL))
    immature: int = 0


def furthest_step(steps: list[Step], start: int, window: int) -> int:
    """The last step in order that is reached from an entry before its window ends."""
    reached = 1
    for step in steps[start + 1 :]:
        if step.micros - steps[start].micros > window:
            break
        if step.number == reached + 1:
            reached += 1
    return reached


def attempts(dated: list[tuple[Step, date]], window: int) -> dict[date, int]:
    """By day of entry the furthest step that any entry of the day reached."""
    steps = [step for step, _ in dated]
    best: dict[date, int] = {}
    for start, (step, day) in enumerate(dated):
        if step.number == 1:
            best[day] = max(best.get(day, 0), furthest_step(steps, start, window))
    return best


def end_of(day: date) -> int:
    """Microseconds since 1970 at which a day of the property ends."""
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), PROPERTY_ZONE)
    return round(end.timestamp() * 1_000_000)


def funnel_counts(
    steps_of_units: dict[str, list[tuple[Step, date]]], window: int, as_of: int
) -> dict[tuple[str, date | None], Counted]:
    """Units by the furthest step of their mature days, by period of the entry.

    A day matures as a whole: when the window of an entry in its last moment has ended.
    """
    counts: dict[tuple[str, date | None], Counted] = defaultdict(Counted)
    for dated in steps_of_units.values():
        furthest: dict[tuple[str, date | None], int] = defaultdict(int)
        for day, reached in attempts(dated, window).items():
            mature = reached if end_of(day) + window <= as_of else 0
            monday = day - timedelta(days=day.weekday())
            periods: list[tuple[str, date | None]] = [("all", None), ("day", day), ("week", monday)]
            for period in periods:
                furthest[period] = max(furthest[period], mature)
        for period, step in furthest.items():
            counts[period].immature += step == 0
            for number in range(step):
                counts[period].reached[number] += 1
    return counts


def steps_by_unit(warehouse: Warehouse, unit: str) -> dict[str, list[tuple[Step, date]]]:
    """The funnel's events of each unit in the order of staging, without visits that are marked."""
    names = ", ".join(f"'{name}'" for name in FUNNEL)
    column = "events.user_pseudo_id" if unit == "visitor" else "events.session_id"
    rows: list[tuple[Any, ...]] = warehouse.rows(
        f"""
        select {column}, events.event_timestamp, events.event_name, events.event_date
        from stg_ga4__events as events
        left join fct_sessions as sessions on events.session_id = sessions.session_id
        where events.event_name in ({names})
            and {column} is not null
            and sessions.exclusion_reason is null
        order by events.event_timestamp, events.event_order, events.event_id
        """
    )
    steps: dict[str, list[tuple[Step, date]]] = defaultdict(list)
    for unit_id, micros, name, day in rows:
        steps[unit_id].append((Step(micros, FUNNEL.index(name) + 1), day))
    return steps


@pytest.mark.parametrize(
    ("funnel", "unit", "hours"),
    [("shop_by_visitor", "visitor", 168), ("shop_by_session", "session", 24)],
)
def test_funnel_counts_agree_with_a_walk_through_the_events(
    warehouse: Warehouse, funnel: str, unit: str, hours: int
) -> None:
    last_day = warehouse.value("select max(event_date) from stg_ga4__export_days")
    expected = funnel_counts(steps_by_unit(warehouse, unit), hours * HOUR, end_of(last_day))
    found: dict[tuple[str, date | None], Counted] = defaultdict(Counted)
    for row in warehouse.records(
        f"select * from mart_funnel_steps where funnel_name = '{funnel}'"
        " and segment_dimension = 'all'"
    ):
        counted = found[(row["period_grain"], row["period_start_date"])]
        counted.reached[row["step_number"] - 1] = row["reached_count"]
        counted.immature = row["immature_count"]
    assert dict(found) == dict(expected)
    assert expected[("all", None)].reached[-1] > 100


def test_discover_finds_the_event_names(files: duckdb.DuckDBPyConnection) -> None:
    """All 17 that the public sample has, with the counts of a plain query."""
    found = read_files(str(Path(FILES).absolute()), PROJECT, None)
    counts = files.execute("select event_name, count(*) from raw group by all").fetchall()
    assert {event.name: event.event_count for event in found.events} == dict(counts)
    assert len(found.events) == 17


def point_the_command_at(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `microconv` find the days that were built."""
    target = warehouse.root / "parsed"
    for name, value in {
        **warehouse.environment,
        "DUCKDB_PATH": str(warehouse.path),
        "DBT_TARGET_PATH": str(target),
        "DBT_PROFILES_DIR": str(warehouse.root / "profiles"),
        "DBT_PROJECT_DIR": str(PROJECT),
    }.items():
        monkeypatch.setenv(name, value)
    # A process of its own, since a manifest holds the name of the file that it was parsed with.
    dbt = str(Path(sys.executable).parent / "dbt")
    subprocess.run([dbt, "--quiet", "parse", "--log-path", str(target)], cwd=PROJECT, check=True)


def test_kpis_print_with_their_benchmarks_and_the_carts_outage(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts carts is unreliable, whatever its number; the rest is compared with its range."""
    outages = warehouse.rows(
        """select count(*), min(outage_date), max(outage_date) from mart_conversion_outages
        where conversion_name = 'add_to_cart'"""
    )
    assert outages == [(17, date(2020, 11, 1), date(2020, 11, 23))]
    point_the_command_at(warehouse, monkeypatch)
    done = CliRunner().invoke(app, ["summary", "--format", "json"])
    assert done.exit_code == 0, done.output
    kpis = {row["kpi_name"]: row for row in json.loads(done.stdout)["kpis"]}
    definitions = warehouse.records("select * from kpi_definitions")
    assert set(kpis) == {row["kpi_name"] for row in definitions}
    for row in definitions:
        found = kpis[row["kpi_name"]]
        ranges = (row["benchmark_low"], row["benchmark_high"])
        said = (found["benchmark_low"], found["benchmark_high"])
        assert said == tuple(None if one is None else float(one) for one in ranges)
        counts_carts = "add_to_cart" in (row["numerator"], row["denominator"])
        assert (found["status"] == "unreliable") == (counts_carts and found["value"] is not None)
    assert kpis["add_to_cart_rate"]["status"] == "unreliable"
    silent = dict(
        warehouse.rows(
            """select cast(period_start_date as text), status from mart_kpis
            where kpi_name = 'add_to_cart_rate' and period_grain = 'day'
                and segment_dimension = 'all' and base_count >= 30"""
        )
    )
    later = {status for day, status in silent.items() if day > "2020-11-23"}
    assert silent["2020-11-21"] == "unreliable" and later and "unreliable" not in later
    printed = " ".join(CliRunner().invoke(app, ["summary"]).stdout.split())
    assert "Visits that add to the cart" in printed and "unreliable" in printed


def test_watch_names_what_is_missing_as_tracking(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing added to the cart, and order numbers that are not where GA4 keeps them."""
    point_the_command_at(warehouse, monkeypatch)
    result = CliRunner().invoke(app, ["watch", "--since", "60d", "--format", "json", "--no-write"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    problems = {
        (one["kind"], one["name"]): (one["since"], one["until"]) for one in found["tracking"]
    }
    assert problems == {
        ("event gone", "add_to_cart"): ("2020-11-21", "2020-11-23"),
        ("parameter empty", "ecommerce.transaction_id of purchase"): ("2020-11-01", "2020-11-10"),
    }
    # 26 days are too few for any rule, which is said.
    assert found["alerts"] == []
    assert {one["standing"] for one in found["rates"]} <= {"learning", "too_little_history"}


def test_evidence_keeps_to_what_the_days_can_tell(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkout steps are gates, the cart's outage is no finding, thrown coins are nothing."""
    point_the_command_at(warehouse, monkeypatch)
    with open_run("purchase", None) as run:
        [basis] = run.bases
        found = read_macro(run.aggregates, basis, run.conversions, has_joint=False)
    verdicts = {one.micro_name: one.judgement.verdict for one in found.findings}
    for gate in ("begin_checkout", "add_shipping_info", "add_payment_info"):
        assert verdicts[gate] is Verdict.GATE, gate
    cart = next(one for one in found.findings if one.micro_name == "add_to_cart")
    assert cart.judgement.verdict is Verdict.INSUFFICIENT
    assert cart.judgement.reasons[0] is Reason.TRACKING_OUTAGE
    assert cart.measures.outage.silent_days == 17
    assert len(found.placebos) == 3
    for placebo in found.placebos:
        assert placebo.naive.lift.low > 5
        assert not placebo.headline.excludes(1.0)
        assert not placebo.step.odds_ratio.excludes(1.0)
    # What visitors are is what they are compared within, never a finding.
    assert not verdicts.keys() & {"device_category", "country"}


def test_every_number_of_the_report_is_the_marts(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Evidence is not asked for, since it would be written into the file."""
    point_the_command_at(warehouse, monkeypatch)
    out = tmp_path / "report.html"
    result = CliRunner().invoke(app, ["report", "--out", str(out)])
    assert result.exit_code == 0, result.output
    page = read_page(out)
    assert wrong_numbers(page, warehouse.path) == []
    assert len(page.numbers) > 400
    assert out.stat().st_size < 5_000_000
