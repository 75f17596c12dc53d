"""Each vertical's starter on its own demo: the planted rates come out of the marts."""

from __future__ import annotations

import itertools
import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from microconv.cli import app
from microconv.demo import generate_demo
from microconv.demo.verticals import VERTICALS
from microconv.starters.lists import Vertical, shared_files, starter_lists
from project_run import PROJECT, Warehouse, shared_folder
from typer.testing import CliRunner

UNTIL = date(2026, 11, 8)
OTHERS = [vertical for vertical in Vertical if vertical is not Vertical.ECOMMERCE]
FUNNELS = ("--select", "+mart_funnel_steps", "+mart_funnel_drop_offs", "+mart_kpis")


def build_demo(root: Path, vertical: Vertical, days: int, visitors: int, *selected: str) -> None:
    """Generate, write the starter's lists, build."""
    warehouse = with_starter(root, vertical)
    generate_demo(
        warehouse.export,
        days=days,
        visitors_per_day=visitors,
        seed=11,
        until=UNTIL,
        vertical=vertical,
    )
    warehouse.build(*selected)
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("checkpoint")  # a fork leaves it to each reader, which takes longer


def with_starter(root: Path, vertical: Vertical) -> Warehouse:
    """A warehouse whose lists are a vertical's."""
    seeds = root / "seeds"
    seeds.mkdir(exist_ok=True)
    for name, content in {**starter_lists(vertical, PROJECT), **shared_files(PROJECT)}.items():
        (seeds / name).write_bytes(content)
    return Warehouse(root, seeds=seeds)


def truth_of(warehouse: Warehouse) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((warehouse.export / "planted_truth.json").read_text())
    return truth


def measured(warehouse: Warehouse) -> dict[tuple[str, str], dict[str, Any]]:
    """The total rows of the funnel mart by funnel and conversion."""
    rows = warehouse.records(
        "select * from mart_funnel_steps where period_grain = 'all' and segment_dimension = 'all'"
    )
    return {(row["funnel_name"], row["conversion_name"]): row for row in rows}


@pytest.fixture(
    scope="module",
    params=[OTHERS[0], *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS[1:])],
)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    vertical: Vertical = request.param
    folder = shared_folder(
        tmp_path_factory,
        f"vertical_{vertical}",
        lambda root: build_demo(root, vertical, 35, 60, *FUNNELS),
    )
    return with_starter(folder, vertical)


def check_rates(warehouse: Warehouse, may_be_too_small: int = 0) -> None:
    """No planted rate is far off, and nearly all lie within the mart's 95 % intervals."""
    marts, inside, outside, small = measured(warehouse), 0, [], []
    for funnel, steps in truth_of(warehouse)["funnels"].items():
        for step in steps[1:]:
            row, rate = marts[funnel, step["conversion_name"]], step["step_rate"]
            base, found = row["previous_step_count"], row["step_conversion_rate"]
            if base < 30:
                small.append((funnel, step, base))
                continue
            error = math.sqrt(rate * (1 - rate) / base)
            assert abs(found - rate) < 3.5 * error, (funnel, step, base, found)
            low, high = row["step_conversion_rate_low"], row["step_conversion_rate_high"]
            inside += low <= rate <= high
            outside += [] if low <= rate <= high else [(funnel, step, low, high)]
    assert len(outside) <= 1, outside
    assert len(small) <= may_be_too_small, small
    assert inside >= 3


def test_planted_rates_lie_within_the_intervals(built: Warehouse) -> None:
    check_rates(built, may_be_too_small=2)


def test_planted_rates_lie_within_the_kpis(built: Warehouse) -> None:
    """Where a KPI is the share that takes a planted step, and has the time for it."""
    shares = built.records(
        """select kpis.*, definitions.denominator as done, definitions.numerator as counted
        from mart_kpis as kpis
        inner join kpi_definitions as definitions using (kpi_name)
        where definitions.measure = 'share' and coalesce(definitions.within_days, 7) >= 7
            and kpis.period_grain = 'all' and kpis.segment_dimension = 'all'"""
    )
    found = {(row["done"], row["counted"]): row for row in shares}
    compared = 0
    for steps in truth_of(built)["funnels"].values():
        for before, step in itertools.pairwise(steps):
            row = found.get((before["conversion_name"], step["conversion_name"]))
            if row is not None:
                compared += 1
                assert row["value_low"] <= step["step_rate"] <= row["value_high"], (step, row)
    assert compared


def check_shares(warehouse: Warehouse) -> None:
    """What derived conversions are planted with: no KPI is far off, nearly all intervals hold."""
    rows = warehouse.records(
        """select kpi_name, value, value_low, value_high, base_count from mart_kpis
        where period_grain = 'all' and segment_dimension = 'all'"""
    )
    found, planted = {row["kpi_name"]: row for row in rows}, truth_of(warehouse)["kpis"]
    assert planted
    outside = []
    for one in planted:
        row, rate = found[one["kpi_name"]], one["rate"]
        error = math.sqrt(rate * (1 - rate) / row["base_count"])
        assert row["base_count"] >= 50 and abs(row["value"] - rate) < 3 * error, (one, row)
        outside += [] if row["value_low"] <= rate <= row["value_high"] else [(one, row)]
    assert len(outside) <= 1 and len(outside) < len(planted), outside


def test_planted_shares_of_derived_conversions_lie_within_the_kpis(built: Warehouse) -> None:
    check_shares(built)


def test_derived_conversions_of_the_starter_are_counted(built: Warehouse) -> None:
    """Ingredients are not, and neither is any of them short of time for a silence."""
    kinds = dict(
        built.rows(
            """select conversion_type, count(*) from conversion_catalog
            where conversion_name in (select conversion_name from derived_conversions)
            group by all"""
        )
    )
    assert set(kinds) == {"micro"} and kinds["micro"] >= 3
    ingredients = built.rows(
        "select conversion_name from conversion_catalog where conversion_type = 'ingredient'"
    )
    required = built.rows("select distinct conversion_name from int_conversions_required")
    assert ingredients and set(ingredients) <= set(required)
    for table in ("dim_conversions", "int_conversions_counted", "mart_daily_conversions"):
        names = set(built.rows(f"select distinct conversion_name from {table}"))
        assert not names & set(ingredients), table


def test_days_without_time_for_a_derived_conversion_are_no_outage(built: Warehouse) -> None:
    """Of what is counted over several days, the first days can hold nothing; of others they can."""
    first = UNTIL - timedelta(days=34)
    early = dict(
        built.rows(
            """select conversion_name, count(*) filter (is_ramp_up) from mart_daily_conversions
            where segment_dimension = 'all' group by conversion_name"""
        )
    )
    windows = dict(
        built.rows(
            """select conversion_name, max(within) from derived_conversions
            where coalesce(within, '') <> 'session' group by all"""
        )
    )
    days = {"7 days": 7, "24 hours": 1}
    for name, count in early.items():
        assert count == 0 or name in windows
        assert count >= days.get(windows.get(name) or "", 0), name
        assert count < 20, name
    too_early = built.rows(
        f"""select conversion_name from mart_daily_conversions
        where is_ramp_up and segment_dimension = 'all' and conversion_count > 0
            and conversion_date >= date '{first}' + 7"""
    )
    assert too_early == []


def test_whoever_drops_off_does_one_thing_next(built: Warehouse) -> None:
    """Also where an event is a conversion twice: at its time, and when nothing had followed."""
    # By number: in any order, a step is so many of them and has no one name.
    wanted = {
        (funnel, step): count
        for funnel, step, count in built.rows(
            """select steps.funnel_name, steps.step_number, later.drop_off_count
            from dim_funnel_steps as steps
            inner join mart_funnel_steps as later
                on steps.funnel_name = later.funnel_name
                and steps.next_required_step = later.step_number
            where later.period_grain = 'all'
                and later.segment_dimension = 'all'"""
        )
    }
    found = built.rows(
        """select funnel_name, step_number, action_kind, sum(drop_count)
        from mart_funnel_drop_offs
        group by all"""
    )
    assert found
    for funnel, step, kind, count in found:
        assert count == wanted[funnel, step], (funnel, step, kind)


def test_long_reads_are_planted_by_page_view(built: Warehouse) -> None:
    """The share of views of a case study that meet what `study_case_study` asks of them."""
    planted = truth_of(built)["long_reads"]
    if planted is None:
        pytest.skip("This demo has none.")
    [(seen, read)] = built.rows(
        f"""select count(*), count(*) filter (
            engaged_seconds_on_page >= {planted["engaged_seconds"]}
        ) from int_conversions_required
        where conversion_name = 'view_case_study' and event_name = 'page_view'"""
    )
    error = math.sqrt(planted["rate"] * (1 - planted["rate"]) / seen)
    assert seen > 100 and abs(read / seen - planted["rate"]) < 2 * error, (seen, read)
    [(studied,)] = built.rows(
        "select count(*) from fct_micro_conversions where conversion_name = 'study_case_study'"
    )
    assert studied > 0


def test_every_kpi_of_the_starter_has_a_value(built: Warehouse) -> None:
    """A KPI that nobody's visits can fill would be an empty card on the first day."""
    missing = built.rows(
        """select kpi_name, base_count from mart_kpis where value is null
        and period_grain = 'all' and segment_dimension = 'all'"""
    )
    assert missing == []


def test_every_conversion_of_the_starter_occurs(built: Warehouse) -> None:
    """A rule that names an event which its demo lacks would show a funnel nobody can reach."""
    silent = built.rows(
        "select conversion_name from dim_conversions where conversion_name not in"
        " (select conversion_name from int_conversions_counted)"
    )
    assert silent == []


def test_the_rows_are_as_flawed_as_the_shops(built: Warehouse) -> None:
    counts = truth_of(built)["counts"]
    tables = counts["tables"]
    first_choice = [one for one in tables if one["kind"] == "daily"] + tables[-1:]
    found = built.rows(
        "select sum(raw_row_count), sum(accepted_count), sum(duplicate_count),"
        " sum(consentless_count) from stg_ga4__export_days"
    )
    assert [tuple(int(value) for value in row) for row in found] == [
        (
            sum(one["rows"] for one in first_choice),
            counts["sound_events"],
            sum(one["duplicates"] for one in first_choice),
            sum(one["consentless"] for one in first_choice),
        )
    ]
    assert counts["bots"] > 0
    assert {one["kind"] for one in tables} == {"daily", "intraday"}


def test_the_predictive_action_announces_the_entry(built: Warehouse) -> None:
    """Who did it on an earlier page enters the journey about `rate_ratio` times as often."""
    truth = truth_of(built)
    [effect] = [one for one in truth["effects"] if one["rate_ratio"] > 1]
    vertical = VERTICALS[truth["vertical"]]
    [journey] = [one for one in vertical.journeys if one.name == effect["journey"]]
    entry = journey.steps[0].conversion
    rows = built.rows(
        f"""
        with pages as (
            select user_pseudo_id as visitor, event_timestamp as seen_at,
                coalesce(lead(event_timestamp) over visits, 9e18) as next_at
            from stg_ga4__events
            where event_name in ('page_view', 'screen_view') and user_pseudo_id is not null
            window visits as (partition by user_pseudo_id order by event_timestamp, event_order)
        ), firsts as (
            select visitor,
                min(seen_at) filter (what = 'entry') as entered_at,
                min(seen_at) filter (what = 'action') as did_at
            from (
                select user_pseudo_id as visitor, event_timestamp as seen_at, 'action' as what
                from stg_ga4__events where event_name = '{effect["name"]}'
                union all
                select conversions.user_pseudo_id, epoch_us(conversions.occurred_at), 'entry'
                from int_conversions_counted as conversions
                where conversions.conversion_name = '{entry}'
            ) group by visitor
        ), judged as (
            select coalesce(did_at < seen_at, false) as did,
                coalesce(entered_at >= seen_at and entered_at < next_at, false) as enters
            from pages left join firsts using (visitor)
            where coalesce(entered_at >= seen_at, true)
        )
        select did, count(*), sum(enters::int) from judged group by did order by did
        """
    )
    (_, without, entered), (_, after, entered_after) = rows
    ratio = (entered_after / after) / (entered / without)
    error = math.sqrt(1 / entered_after + 1 / entered)
    assert abs(math.log(ratio / effect["rate_ratio"])) < 4 * error, (rows, ratio)
    assert math.log(ratio) > 2 * error


@pytest.mark.long
@pytest.mark.parametrize("vertical", OTHERS)
def test_planted_rates_in_a_demo_of_full_size(tmp_path: Path, vertical: Vertical) -> None:
    """As `make demo VERTICAL=…` does it, data tests included."""
    warehouse = with_starter(tmp_path, vertical)
    generate_demo(
        warehouse.export,
        days=49,
        visitors_per_day=220,
        seed=20_261_108,
        until=UNTIL,
        vertical=vertical,
    )
    warehouse.dbt("build").must_succeed()
    check_rates(warehouse)
    check_shares(warehouse)


@pytest.mark.long
def test_an_export_without_any_event_of_the_vertical_ends_in_empty_marts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data tests included: nothing to count is no error, and the summary says why."""
    warehouse = with_starter(tmp_path, Vertical.MOBILE_APP)
    warehouse.is_as_shipped = True
    generate_demo(tmp_path / "shop", days=3, visitors_per_day=40, seed=1, until=UNTIL)
    for path in sorted((tmp_path / "shop").glob("events_*.parquet")):
        duckdb.execute(
            f"""copy (select * from '{path}' where event_name in ('session_start', 'first_visit'))
            to '{warehouse.export / path.name}'"""
        )
    warehouse.dbt("build").must_succeed()
    assert warehouse.value("select count(*) from fct_sessions") > 50
    facts = ("fct_micro_conversions", "fct_macro_conversions", "fct_funnel_attempts")
    assert [warehouse.value(f"select count(*) from {fact}") for fact in facts] == [0, 0, 0]
    for name, value in {
        **warehouse.environment,
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(tmp_path / "profiles"),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }.items():
        monkeypatch.setenv(name, value)
    said = " ".join(CliRunner().invoke(app, ["summary"]).stdout.split())
    catalogued = warehouse.value("select count(*) from dim_conversions")
    assert f"None of the {catalogued} catalogued conversions happened in these days" in said


def test_the_same_seed_gives_the_same_files_of_a_vertical(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "days": 4,
        "visitors_per_day": 30,
        "until": UNTIL,
        "vertical": "saas",
    }
    files = [
        generate_demo(tmp_path / name, seed=seed, **options).files
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    first, again, other = ([path.read_bytes() for path in one] for one in files)
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))
