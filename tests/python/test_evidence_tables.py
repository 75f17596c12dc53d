"""The tables of the evidence count what the slow reference counts, on random histories."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import cohort_reference
import duckdb
import evidence_reference as reference
import pytest
from evidence_case import (
    EARLIER,
    FIRST_DAY,
    LAST_DAY,
    MACROS,
    MARTS,
    MICROS,
    WAYS,
    WEIGHTS,
    Histories,
    count,
    empty_project,
    random_histories,
    select_models,
    settings_of,
    subjects_of,
    variables,
)
from evidence_reference import Settings, Subject
from project_run import Warehouse, shared_warehouse
from small_export import SmallExport

VISITORS = 2200
# Every way to count, and two of them as they were known at an earlier date.
CASES = [*WAYS, "visitor_page_view earlier", "session_active_day earlier"]


@dataclasses.dataclass(frozen=True)
class Case:
    """Random histories, the warehouse that counted them, and who they are to the reference."""

    warehouse: Warehouse
    settings: Settings
    subjects: list[Subject]


def evidence_case(
    tmp_path_factory: pytest.TempPathFactory, name: str, histories: Histories, key: str
) -> Case:
    way, _, when = name.partition(" ")
    settings = settings_of(way)

    def build(new: Warehouse) -> None:
        shutil.copy(empty_project(tmp_path_factory).path, new.path)
        count(new, histories, settings)

    warehouse = shared_warehouse(tmp_path_factory, f"evidence_{key}_{way}", build)
    if when:
        settings = settings_of(way, as_of=EARLIER)
        late = warehouse

        def look_back(new: Warehouse) -> None:
            shutil.copy(late.path, new.path)
            select_models(new, MARTS, settings)

        warehouse = shared_warehouse(tmp_path_factory, f"evidence_{key}_{way}_earlier", look_back)
    return Case(warehouse, settings, subjects_of(histories, settings))


@pytest.fixture(scope="module")
def histories() -> Histories:
    return random_histories(seed=17, visitors=VISITORS)


@pytest.fixture(scope="module", params=CASES)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, histories: Histories
) -> Case:
    return evidence_case(tmp_path_factory, request.param, histories, "quick")


def assert_same(found: dict[Any, Any], wanted: dict[Any, Any]) -> None:
    """Fails with the first keys that only one side has, or that differ."""
    extra = sorted(found.keys() - wanted.keys(), key=str)[:3]
    missing = sorted(wanted.keys() - found.keys(), key=str)[:3]
    differing = [
        (key, found[key], wanted[key])
        for key in sorted(found.keys() & wanted.keys(), key=str)
        if list(found[key]) != list(wanted[key])
    ][:3]
    assert not (extra or missing or differing), (
        f"unexpected {extra}, missing {missing}, differing {differing}"
    )
    assert len(wanted) > 0


def money(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))


STRATUM = "depth_bin, day_bin, device_category, channel_group, country, visitor_type"


def test_decision_points_equal_the_reference(case: Case) -> None:
    rows = case.warehouse.rows(
        f"""
        select macro_name, micro_name, {STRATUM}, is_bot, is_last_third, bucket, exposure_state,
            step_count, next_step_converted_count, followed_count, followed_converted_count,
            followed_revenue_usd, followed_revenue_usd_squared
        from mart_decision_points
        """
    )
    found = {row[:12]: [*row[12:16], money(row[16]), money(row[17])] for row in rows}
    assert len(found) == len(rows)
    wanted = reference.decision_points(case.subjects, MACROS, MICROS)
    assert_same(found, wanted)


def test_patterns_equal_the_reference(case: Case) -> None:
    rows = case.warehouse.rows(
        f"""
        select macro_name, {STRATUM}, done_before_mask, step_count, next_step_converted_count
        from mart_conversion_patterns
        """
    )
    found = {row[:8]: list(row[8:]) for row in rows}
    assert len(found) == len(rows)
    assert_same(found, reference.conversion_patterns(case.subjects, MACROS, MICROS))


def test_landmarks_equal_the_reference(case: Case) -> None:
    rows = case.warehouse.rows(
        """
        select macro_name, device_category, channel_group, country, visitor_type, done_mask,
            subject_count, converted_count, revenue_usd, revenue_usd_squared
        from mart_conversion_landmarks
        """
    )
    found = {row[:6]: [*row[6:8], money(row[8]), money(row[9])] for row in rows}
    assert len(found) == len(rows)
    assert_same(found, reference.landmarks(case.subjects, MACROS, MICROS))


def test_reach_equals_the_reference(case: Case) -> None:
    records = case.warehouse.records("select * from mart_conversion_reach")
    found = {}
    for row in records:
        key = (row.pop("macro_name"), row.pop("micro_name"), row.pop("is_bot_filtered"))
        found[key] = {
            name: money(value) if isinstance(value, float) else value for name, value in row.items()
        }
    assert len(found) == len(records)
    wanted = reference.reach(case.subjects, MACROS, MICROS)
    for key, row in wanted.items():
        assert found[key] == row, (
            key,
            {n: (found[key][n], row[n]) for n in row if found[key][n] != row[n]},
        )
    assert found.keys() == wanted.keys()
    assert any(
        row["tracked_macro_count"] < row["first_macro_count"]
        and row["tracked_preceded_count"] < row["macro_preceded_count"]
        for row in wanted.values()
    )


def test_snapshots_equal_the_reference(case: Case) -> None:
    rows = case.warehouse.rows(
        """
        select macro_name, cut_date, age_pattern, manual_score, subject_count, converted_count
        from mart_score_snapshots
        """
    )
    found = {row[:4]: list(row[4:]) for row in rows}
    assert len(found) == len(rows)
    assert_same(found, reference.score_snapshots(case.subjects, MACROS, MICROS, WEIGHTS))


def test_cohorts_equal_the_reference(case: Case, histories: Histories) -> None:
    rows = case.warehouse.rows(
        """
        select macro_name, cohort_week, behaviour_kind, behaviour_name, behaviour_group, age_days,
            complete_date, is_complete, visitor_count, early_visitor_count, converted_count,
            retained_count, revenue_usd, revenue_usd_squared
        from mart_cohorts
        """
    )
    found = {
        row[:6]: [*row[6:12], *(one if one is None else money(one) for one in row[12:])]
        for row in rows
    }
    assert len(found) == len(rows)
    wanted = cohort_reference.cohorts(case.subjects, histories.conversions, MACROS, MICROS)
    assert_same(found, wanted)
    complete = [row for row in wanted.values() if row[1]]
    assert complete and len(complete) < len(wanted)
    for place in range(2, 8):
        assert any(row[place] for row in complete), place


def test_strata_of_cohorts_equal_the_reference(case: Case, histories: Histories) -> None:
    rows = case.warehouse.rows(
        """
        select macro_name, behaviour_name, behaviour_group, cohort_week, device_category,
            channel_group, bucket, visitor_count, converted_count, retained_count, revenue_usd
        from mart_cohort_strata
        """
    )
    found = {row[:7]: [*row[7:10], money(row[10])] for row in rows}
    assert len(found) == len(rows)
    assert_same(
        found, cohort_reference.strata(case.subjects, histories.conversions, MACROS, MICROS)
    )


@pytest.mark.parametrize(
    "change",
    [
        "",
        "update mart_cohorts set early_visitor_count = early_visitor_count + 1"
        " where behaviour_kind = 'all'",
        "update mart_cohort_strata set retained_count = retained_count + 1",
        "update mart_cohorts set converted_count = visitor_count + 1 where is_complete",
    ],
)
def test_cohorts_add_up(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, histories: Histories, change: str
) -> None:
    """The data test of it, which must also see one too many."""
    case = evidence_case(tmp_path_factory, "visitor_page_view", histories, "quick")
    copy = Warehouse(tmp_path)
    shutil.copy(case.warehouse.path, copy.path)
    if change:
        with duckdb.connect(str(copy.path)) as connection:
            connection.execute(change)
    chosen = ["--vars", json.dumps(variables(case.settings)), "--select", "assert_cohorts_add_up"]
    outcome = copy.dbt("test", *chosen)
    assert outcome.exit_code == (1 if change else 0), outcome.output[-2000:]


def test_a_week_is_complete_when_its_last_visitor_was_followed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """In weeks with a change to summer time that is a day later than the calendar says."""
    warehouse = empty_project(tmp_path_factory)
    asked = (4, 8, 15, 57)
    formulas = ", ".join(
        f"{{{{ cohort_complete_date('week', {days}) }}}} as d{days}" for days in asked
    )
    output = warehouse.dbt(
        "--quiet", "compile", "--output", "json", "--inline", f"select week, {formulas} from weeks"
    ).must_succeed()
    sql = json.loads(output.output[output.output.index("{") : output.output.rindex("}") + 1])
    found = warehouse.rows(
        "with weeks as (select cast(range as date) as week from"
        f" range(timestamp '2025-01-06', timestamp '2026-06-01', interval 7 day)) {sql['compiled']}"
    )
    later = 0
    for week, *dates in found:
        for days, date in zip(asked, dates, strict=True):
            settings = dataclasses.replace(settings_of("visitor_page_view"), landmark_days=1)
            assert date == cohort_reference.complete_date(settings, week, days - 1)
            later += (date - week).days > days + 6
    assert len(found) > 70 and 4 <= later < 40


def test_checks_say_what_the_run_rests_on(case: Case) -> None:
    settings = case.settings
    known = [one for one in case.subjects if one.start < settings.as_of_timestamp]
    points = reference.decision_points(case.subjects, MACROS, MICROS)
    for row in case.warehouse.records("select * from mart_evidence_checks"):
        macro = row["macro_name"]
        of_all = [
            counts
            for key, counts in points.items()
            if key[0] == macro and key[1] == "(all)" and not key[8]
        ]
        wanted = {
            "as_of_date": settings.as_of_date,
            "window_start_date": settings.window_start_date,
            "third_start_date": settings.third_start_date,
            "subject": settings.subject,
            "clock": settings.clock,
            "horizon_days": settings.horizon_days,
            "missing_lookback_days": settings.lookback_days - settings.washout_days,
            "dimensions": ", ".join(settings.dimensions),
            "subject_count": len(known),
            "bot_subject_count": sum(one.is_bot for one in known),
            "safari_subject_count": sum(
                one.steps[0].session.browser == "Safari" for one in known if not one.is_bot
            ),
            "event_count": 10 * ((settings.as_of_date - FIRST_DAY).days + 1),
            "first_macro_count": sum(
                (sale := one.first(macro)) is not None and sale.timestamp >= settings.window_start
                for one in known
                if not one.is_bot
            ),
            "decision_count": sum(counts[0] for counts in of_all),
            "followed_decision_count": sum(counts[2] for counts in of_all),
        }
        assert {name: row[name] for name in wanted} == wanted


def test_histories_hold_what_they_are_meant_to_hold(histories: Histories) -> None:
    """Without this the comparisons could pass on histories in which nothing happens."""
    settings = settings_of("visitor_page_view")
    all_ = subjects_of(histories, settings)
    seen: Counter[str] = Counter()
    for subject in all_:
        seen["bots"] += subject.is_bot
        seen[subject.visitor_type()] += 1
        for macro in MACROS:
            sale = subject.first(macro)
            for point in reference.points(subject, macro, MICROS):
                start = point.step.timestamp
                seen["sale at the step"] += sale is not None and sale.timestamp == start
                seen["sale at the end"] += sale is not None and sale.timestamp == point.step.end
                seen["sale at the horizon"] += (
                    sale is not None and sale.timestamp == start + settings.horizon
                )
                seen["followed and converted"] += point.converts_later
                seen["worth something"] += point.value > 0
                seen["followed to the last moment"] += (
                    start + settings.horizon == settings.as_of_timestamp
                )
                for micro in point.here:
                    seen["done at the step"] += subject.firsts[micro].timestamp == start
                seen["done at the sale"] += sale is not None and any(
                    one.timestamp == sale.timestamp
                    for n, one in subject.firsts.items()
                    if n in MICROS
                )
                for lag in point.done.values():
                    for edge, name in reference.LAGS:
                        seen[f"exactly {name}"] += lag == edge
    assert min(seen.values()) >= 5, seen
    assert len(seen) == 14, seen


TICKS = {
    "page_view": """
        select distinct session_id, event_date, event_timestamp from stg_ga4__events
        where session_id is not null and event_name in ('page_view', 'screen_view')
        """,
    "any_event": """
        select distinct session_id, event_date, event_timestamp from stg_ga4__events
        where session_id is not null
        """,
    "active_day": """
        select session_id, event_date, min(event_timestamp) from stg_ga4__events
        where session_id is not null group by all
        """,
}


@pytest.mark.parametrize("clock", TICKS)
def test_a_clock_ticks_at_its_events(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, clock: str
) -> None:
    warehouse = Warehouse(tmp_path)
    shutil.copy(empty_project(tmp_path_factory).path, warehouse.path)
    SmallExport(seed=1, first_date=LAST_DAY, day_count=1, visitor_count=4).write(warehouse.export)
    chosen = ["--vars", f"{{evidence_clock: {clock}}}", "--full-refresh"]
    warehouse.dbt("run", *chosen, "--select", "int_clock_events").must_succeed()
    found = warehouse.rows(
        "select session_id, event_date, event_timestamp from int_clock_events order by all"
    )
    assert found == sorted(warehouse.rows(TICKS[clock]))
    assert found
