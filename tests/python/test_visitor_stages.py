"""Where visitors stand, now and at the end of every week, equals a reading day by day."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from export_rows import change_tables
from microconv.evidence.proportions import wilson
from project_run import PROJECT, Warehouse
from visit_case import FIRST_DAY, LAST_DAY, copy_of, random_visits, visit_warehouse
from visit_reference import LEVELS, PARTS, STAGES, Person, people_of, stage_at, weekly_flows

MINIMUM = 30
RECENCY = 30
# A window of whole weeks, one of a few days more, and one shorter than a week.
RECENCIES = (RECENCY, 14, 5)
STAGE_NAMES = ("awareness", "interest", "consideration", "intent", "conversion")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return visit_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def people() -> dict[str, Person]:
    return people_of(random_visits(seed=17))


@pytest.fixture(scope="module", params=RECENCIES)
def recency(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def warehouse(
    built: Warehouse, recency: int, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """The stages under another window, and in each case what the data tests say."""
    if recency == RECENCY:
        return built
    new = copy_of(built, tmp_path_factory.mktemp(f"recency_{recency}"))
    chosen = ["--vars", f"{{stage_recency_days: {recency}}}"]
    models = ["mart_visitor_stages", "mart_visitor_segments"]
    new.dbt("run", *chosen, "--select", *models).must_succeed()
    return new


def week_ends() -> list[dt.date]:
    """Sundays of the weeks that lie wholly in the loaded days."""
    days = [FIRST_DAY + dt.timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    return [day for day in days if day.weekday() == 6 and day - dt.timedelta(days=6) >= FIRST_DAY]


def test_visitors_stand_at_their_deepest_recent_step(
    warehouse: Warehouse, people: dict[str, Person], recency: int
) -> None:
    rows = {
        row["visitor_id"]: row for row in warehouse.records("select * from mart_visitor_stages")
    }
    assert set(rows) == {name for name, person in people.items() if not person.is_excluded}
    stages: Counter[str] = Counter()
    for visitor, row in rows.items():
        person = people[visitor]
        stage = stage_at(person, LAST_DAY, recency)
        assert stage is not None
        stages[row["visitor_stage"]] += 1
        assert row["visitor_stage"] == PARTS.get(stage, "inactive"), visitor
        assert row["intent_level"] == LEVELS.get(stage, "inactive"), visitor
        assert row["stage_number"] == (stage or None), visitor
        assert row["funnel_stage"] == (STAGE_NAMES[stage - 1] if stage else None), visitor
        assert row["funnel_part"] == (PARTS[min(stage, 4)] if stage else None), visitor
        days = [visit.day for visit in person.visits] + [one.day for one in person.conversions]
        assert row["last_active_date"] == max(days), visitor
        assert_deepest(row, person, recency)
    assert set(stages) == {"TOFU", "MOFU", "BOFU", "customer", "inactive"}


def assert_deepest(row: dict[str, Any], person: Person, recency: int) -> None:
    since = LAST_DAY - dt.timedelta(days=recency - 1)
    recent = [one for one in person.conversions if one.day >= since]
    found = (row["deepest_conversion_name"], row["deepest_conversion_at"])
    if not recent:
        assert found == (None, None), row
        rule = "Not seen in the last" if row["stage_number"] is None else "without a conversion."
        assert rule in row["stage_rule"], row
        return
    best = max((STAGES[one.name], one.micros) for one in recent)
    names = [one.name for one in recent if (STAGES[one.name], one.micros) == best]
    moment = (found[1] - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    assert (found[0], moment) == (min(names), best[1]), row
    assert row["stage_rule"].startswith(f"Deepest step of the last {recency} days: "), row
    assert row["stage_rule"].endswith(f"({row['funnel_stage']})."), row


def test_flows_between_stages_are_those_of_every_week(
    warehouse: Warehouse, people: dict[str, Person], recency: int
) -> None:
    rows = warehouse.records("select * from mart_visitor_segments")
    found: dict[dt.date, Counter[tuple[str, str]]] = {}
    for row in rows:
        key = (row["previous_visitor_stage"], row["visitor_stage"])
        week = found.setdefault(row["week_end_date"], Counter())
        assert key not in week and row["visitor_count"] > 0
        assert row["week_start_date"] == row["week_end_date"] - dt.timedelta(days=6)
        week[key] = row["visitor_count"]
    assert sorted(found) == week_ends()
    wanted = {end: weekly_flows(people, end, recency) for end in found}
    assert found == wanted
    kinds = {key for flows in wanted.values() for key in flows}
    assert {"new", "unknown", "inactive"} <= {before for before, _ in kinds}
    for row in rows:
        flows = wanted[row["week_end_date"]]
        stays = sum(n for (_, stage), n in flows.items() if stage == row["visitor_stage"])
        came = sum(n for (stage, _), n in flows.items() if stage == row["previous_visitor_stage"])
        assert (row["stage_visitor_count"], row["previous_stage_visitor_count"]) == (stays, came)
        rate = [row[f"flow_rate{end}"] for end in ("", "_low", "_high")]
        share = wilson(row["visitor_count"], came)
        if came >= MINIMUM:
            assert rate == pytest.approx([share.value, share.low, share.high], abs=1e-9)
        else:
            assert rate == [None, None, None]
        since = row["week_end_date"] - dt.timedelta(days=recency + 6)
        assert row["is_history_loaded"] == (since >= FIRST_DAY)


def test_nobody_is_lost_between_two_weeks(warehouse: Warehouse, recency: int) -> None:
    """The data test of it, which must also see a lost visitor."""
    name = "assert_visitor_flows_add_up"
    chosen = ["--vars", f"{{stage_recency_days: {recency}}}", "--select", name]
    warehouse.dbt("test", *chosen).must_succeed()
    if recency == RECENCIES[-1]:
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute(
                "update mart_visitor_segments set visitor_count = visitor_count - 1"
                f" where week_end_date = date '{week_ends()[3]}' and visitor_stage = 'MOFU'"
                " and previous_visitor_stage = 'new'"
            )
        assert warehouse.dbt("test", *chosen).exit_code == 1


def test_the_last_week_is_the_stages_of_now(warehouse: Warehouse) -> None:
    """The export ends on a Sunday."""
    now = warehouse.rows("select visitor_stage, count(*) from mart_visitor_stages group by all")
    last = warehouse.rows(
        "select distinct visitor_stage, stage_visitor_count from mart_visitor_segments"
        f" where week_end_date = date '{LAST_DAY}'"
    )
    assert sorted(now) == sorted(last)


def test_a_micro_conversion_makes_nobody_a_customer(
    built: Warehouse, people: dict[str, Person], tmp_path: Path
) -> None:
    """Even where a catalog puts one into the stage of goals."""
    new = copy_of(built, tmp_path / "deep_micro")
    change_tables(
        new.path,
        "update dim_conversions set funnel_stage = 'conversion', stage_number = 5,"
        " intent_level = 'customer' where conversion_name = 'view_item'",
    )
    models = ["int_visitor_days_staged", "mart_visitor_stages"]
    new.dbt("run", "--select", *models).must_succeed()
    levels = dict(new.rows("select visitor_id, intent_level from mart_visitor_stages"))
    since = LAST_DAY - dt.timedelta(days=RECENCY - 1)
    for visitor, level in levels.items():
        done = {one.name for one in people[visitor].conversions if one.day >= since}
        assert (level == "customer") == bool(done & {"purchase", "sign_up"}), visitor
        if "view_item" in done:
            assert level in ("almost_ready", "customer"), visitor


def test_the_histories_meet_the_limit_of_the_window(people: dict[str, Person]) -> None:
    """Somebody's deepest step is exactly on the last day that counts, and on the one before it."""
    ages = set()
    for person in people.values():
        deepest = max((STAGES[one.name] for one in person.conversions), default=0)
        ages |= {
            (LAST_DAY - one.day).days for one in person.conversions if STAGES[one.name] == deepest
        }
    assert {recency - 1 for recency in RECENCIES} | set(RECENCIES) <= ages


def test_the_list_of_stages_names_an_intent_for_each() -> None:
    with (PROJECT / "seeds" / "funnel_stages.csv").open(newline="") as lines:
        levels = {int(row["stage_number"]): row["intent_level"] for row in csv.DictReader(lines)}
    assert levels == LEVELS
