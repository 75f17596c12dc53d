"""`microconv power` and `microconv proxy`: published sizes, the rule of choice, what is missing."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
from evidence_warehouse import longest_line, make_project_of, rows, run, work_in
from microconv.correlate.columns import TABLES as CORRELATED
from microconv.experiments.rows import VALIDATIONS
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

Row = dict[str, Any]
# The example of 10,000 visitors a month: 13 weeks of them, and how many did what.
SUBJECTS, DAYS = 30_000, 91
COUNTS = {
    "purchase": 600,
    "begin_checkout": 1_200,
    "add_to_cart": 2_400,
    "size_guide": 4_500,
    "view_item": 12_000,
    "rare": 9,
}
STAGES = {"purchase": 5, "begin_checkout": 4, "add_to_cart": 4, "size_guide": 3, "view_item": 2}
EVIDENCE: Mapping[str, tuple[str, float, float]] = {
    "begin_checkout": ("gate", math.nan, math.nan),
    "add_to_cart": ("predictive", 4.0, 3.5),
    "size_guide": ("predictive, robust", 3.0, 2.6),
    "view_item": ("predictive", 1.5, 1.3),
}


def power_of(*arguments: str) -> Row:
    done = run("power", "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    found: Row = json.loads(done.stdout)
    return found


# ---- power ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("baseline", "per_arm", "weeks"),
    [("2%", 80_682, 70), ("4%", 39_475, 34), ("8%", 18_872, 16), ("40%", 2_389, 2.1)],
)
def test_sizes_of_the_example(baseline: str, per_arm: int, weeks: float) -> None:
    """10,000 visitors a month and a change of 10 %."""
    found = power_of("--baseline", baseline, "--traffic", str(10_000 * 12 / 52))
    assert found["visitors_per_arm"] == per_arm
    assert found["weeks"] == pytest.approx(weeks, rel=0.03)
    assert found["days"] == pytest.approx(7 * found["weeks"])


def test_the_published_size_of_two_proportions() -> None:
    """R's power.prop.test(p1 = .50, p2 = .75, power = .90): 76.7 in each group."""
    found = power_of("--baseline", "50%", "--mde", "50 %", "--power", "90%", "--traffic", "100")
    assert found["visitors_per_arm"] == 77
    effect = proportion_effectsize(0.75, 0.5)
    other = NormalIndPower().solve_power(effect, power=0.9, alpha=0.05)
    assert found["visitors_per_arm"] == pytest.approx(other, rel=0.03)


def test_what_is_found_in_time_needs_as_many_as_there_are() -> None:
    found = power_of("--baseline", "0.05", "--traffic", "8000", "--max-weeks", "3")
    smallest = found["smallest_lift_in_max_weeks"]
    again = power_of("--baseline", "0.05", "--traffic", "8000", "--mde", f"{smallest:.9f}")
    assert again["weeks"] == pytest.approx(3, rel=1e-3)


def test_looks_and_levels_ask_for_more() -> None:
    one, four = (
        power_of("--baseline", "5%", "--traffic", "9000", "--looks", looks) for looks in ("1", "4")
    )
    assert four["limit"] == pytest.approx(2.361, abs=2e-3)  # Pocock 1977, table 1
    assert four["visitors_per_arm"] > one["visitors_per_arm"]
    strict = power_of("--baseline", "5%", "--traffic", "9000", "--alpha", "1%")
    assert strict["visitors_per_arm"] > one["visitors_per_arm"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--baseline", "2", "--traffic", "100"), "between 0 and 100 %"),
        (("--baseline", "some", "--traffic", "100"), "is no share"),
        (("--baseline", "95%", "--traffic", "100"), "changed rate would not lie between 0 and 1"),
        (("--baseline", "2%", "--traffic", "0"), "Nobody can enter"),
        (("--baseline", "2%", "--traffic", "inf"), "must be a number of visitors"),
        (("--baseline", "2%", "--traffic", "9", "--max-weeks", "nan"), "weeks above 0"),
    ],
)
def test_impossible_questions_are_refused(arguments: tuple[str, ...], words: str) -> None:
    done = run("power", *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split()), done.stderr


def test_power_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR"):
        monkeypatch.delenv(name, raising=False)
    done = run("power", "--baseline", "2%", "--traffic", "10000")
    assert done.exit_code == 0
    assert "each arm needs 80,682 visitors: 17 weeks" in " ".join(done.stdout.split())
    read = list(csv.reader(io.StringIO(run("power", "--baseline", "2%", "--traffic", "10000",
                                           "--format", "csv").stdout)))  # fmt: skip
    assert len(read) == 2


# ---- proxy ---------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example with its evidence."""
    catalog = [
        {
            "conversion_name": name,
            "label": name.replace("_", " "),
            "conversion_type": "macro" if name == "purchase" else "micro",
            "stage_number": STAGES.get(name, 1),
            "lead_points": 0.0,
        }
        for name in COUNTS
    ]
    planning = [
        {
            "conversion_name": name,
            "conversion_type": "macro" if name == "purchase" else "micro",
            "window_start_date": dt.date(2026, 7, 26),
            "window_end_date": dt.date(2026, 10, 24),
            "window_day_count": DAYS,
            "subject_count": SUBJECTS,
            "converted_count": count,
            "horizon_days": 14,
            "as_of_date": dt.date(2026, 11, 7),
            "definitions_version": "v1",
        }
        for name, count in COUNTS.items()
    ]
    checks = [{"macro_name": "purchase"}]
    make_project_of(
        tmp_path,
        {
            "dim_conversions": catalog,
            "mart_planning_rates": planning,
            "mart_evidence_checks": checks,
        },
    )
    work_in(tmp_path, monkeypatch)
    return tmp_path


def write(project: Path, table: str, columns: Mapping[str, str], written: list[Row]) -> None:
    """A table as a command leaves it."""
    types = {"text": "varchar", "number": "double", "integer": "bigint", "truth": "boolean"}
    listed = ", ".join(f"{name} {types.get(kind, 'date')}" for name, kind in columns.items())
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(f"create table marts.{table} ({listed})")
        for row in written:
            marks = ", ".join("?" for _ in row)
            names = ", ".join(row)
            connection.execute(
                f"insert into marts.{table} ({names}) values ({marks})", [*row.values()]
            )


def give_evidence(project: Path, version: str = "v1", **others: tuple[str, float, float]) -> None:
    written = [
        {
            "macro_name": "purchase",
            "micro_name": name,
            "verdict": verdict,
            "matched_lift": None if math.isnan(lift) else lift,
            "matched_lift_low": None if math.isnan(low) else low,
            "matched_lift_high": None if math.isnan(lift) else lift * 1.2,
            "definitions_version": version,
        }
        for name, (verdict, lift, low) in {**EVIDENCE, **others}.items()
    ]
    columns = CORRELATED["evidence_micro_conversions"]
    write(project, "evidence_micro_conversions", columns, written)


def planned(*arguments: str) -> dict[str, Row]:
    done = run("proxy", "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    return {row["metric_name"]: row for row in json.loads(done.stdout)["evidence_proxy_metrics"]}


def test_planning_numbers_are_those_of_the_example(project: Path) -> None:
    give_evidence(project)
    found = planned()
    for name, per_arm, weeks in (
        ("purchase", 80_682, 70),
        ("begin_checkout", 39_475, 34),
        ("add_to_cart", 18_872, 16),
        ("view_item", 2_389, 2.1),
    ):
        assert found[name]["visitors_per_arm"] == pytest.approx(per_arm, abs=1)
        assert found[name]["weeks"] == pytest.approx(weeks, rel=0.03)
    guide = found["size_guide"]
    assert guide["macro_share"] == pytest.approx(0.23, abs=0.005)
    assert guide["lift_needed_if_all_pass"] == pytest.approx(0.43, abs=0.01)
    assert guide["lift_needed_if_half_pass"] == pytest.approx(2 * guide["lift_needed_if_all_pass"])
    assert found["begin_checkout"]["macro_share"] == 1
    assert "rare" not in found  # nine visitors are no rate to plan with
    assert found["purchase"]["rate"] == 0.02


def test_the_deepest_metric_that_is_fast_enough_is_recommended(project: Path) -> None:
    give_evidence(project)
    four = planned()
    assert [name for name, row in four.items() if row["is_recommended"]] == ["add_to_cart"]
    assert four["add_to_cart"]["status"] == "unvalidated proxy"
    # The gate takes 34 weeks: with so many allowed it is closer to the purchase than the cart.
    many = planned("--max-weeks", "40")
    assert [name for name, row in many.items() if row["is_recommended"]] == ["begin_checkout"]
    most = planned("--max-weeks", "80")
    assert [name for name, row in most.items() if row["is_recommended"]] == ["purchase"]
    assert planned("--max-weeks", "0.1")["purchase"]["status"] is None
    # The cheapest to measure is not the best: views need least and carry least.
    assert four["view_item"]["is_pareto"] and four["add_to_cart"]["is_pareto"] is False
    weeks = {name: row["weeks"] for name, row in four.items()}
    assert min(weeks, key=lambda name: weeks[name]) == "view_item"


def test_the_printed_advice_says_what_must_be_believed(project: Path) -> None:
    give_evidence(project)
    done = run("proxy")
    text = " ".join(done.stdout.split())
    assert "“add to cart” may stand in for “purchase”" in text
    assert "It is an unvalidated proxy" in text
    assert "→ add to cart" in text and "* view item" in text
    assert "* no other metric is both faster and carries as large a share" in text
    assert "correlate with more than" in text
    assert "Keep “purchase” as a guardrail" in text
    assert "as if an experiment had begun there" in text
    assert "There is no evidence_proxy_validations yet: run `microconv experiments` first." in text
    assert longest_line(done.stdout) <= 120


def test_what_the_evidence_rules_out_is_no_candidate(project: Path) -> None:
    give_evidence(
        project,
        size_guide=("explained by engagement/segment", 1.05, 0.9),
        add_to_cart=("insufficient", math.nan, math.nan),
        view_item=("predictive", 1.01, 1.005),
    )
    found = planned()
    assert found["size_guide"]["excluded_reason"] == "it only shows who is engaged"
    assert found["size_guide"]["macro_share"] is found["size_guide"]["weeks_needed"] is None
    assert found["add_to_cart"]["excluded_reason"] == "too little was seen of it"
    assert found["view_item"]["excluded_reason"].startswith("less than 10%")
    assert not any(row["is_recommended"] for row in found.values())
    assert "No metric is both close enough" in " ".join(run("proxy").stdout.split())


def test_without_evidence_it_says_so_and_what_to_do(project: Path) -> None:
    done = run("proxy")
    text = " ".join(done.stdout.split())
    assert done.exit_code == 0
    assert "There is no evidence_micro_conversions yet: run `microconv correlate` first." in text
    assert "Without the evidence no micro-conversion can be recommended" in text
    found = planned()
    assert found["add_to_cart"]["visitors_per_arm"] == pytest.approx(18_872, abs=1)
    assert found["add_to_cart"]["excluded_reason"].startswith("nothing is known yet")
    assert found["add_to_cart"]["macro_share"] is None
    assert not any(row["is_recommended"] for row in found.values())


def test_evidence_of_other_definitions_is_not_used(project: Path) -> None:
    give_evidence(project, version="v0")
    assert "is of other definitions: run `microconv correlate` again" in " ".join(
        run("proxy").stdout.split()
    )
    assert not any(row["is_recommended"] for row in planned().values())


@pytest.mark.parametrize(("low", "status"), [(0.95, "validated proxy"), (0.3, "unvalidated proxy")])
def test_past_experiments_validate_for_this_size(project: Path, low: float, status: str) -> None:
    """A correlation that was enough for another size need not be for this one."""
    give_evidence(project)
    row = {
        "macro_name": "purchase",
        "micro_name": "add_to_cart",
        "validity": "validated",
        "true_correlation": 0.97,
        "true_correlation_low": low,
        "true_correlation_high": 0.99,
        "definitions_version": "v1",
    }
    write(project, "evidence_proxy_validations", VALIDATIONS, [row])
    assert planned()["add_to_cart"]["status"] == status


def test_plans_are_written_once(project: Path) -> None:
    give_evidence(project)
    assert run("proxy").exit_code == 0
    first = rows(project, "evidence_proxy_metrics")
    assert run("proxy").exit_code == 0
    assert rows(project, "evidence_proxy_metrics") == first
    assert len(first) == 5
    assert run("proxy", "--macro", "nope").exit_code == 2
    read = list(csv.DictReader(io.StringIO(run("proxy", "--format", "csv").stdout)))
    assert len(read) == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("converted_count = 4", "10 are needed to plan with"),
        ("subject_count = 0, window_day_count = 0", "Nobody was followed for 14 days"),
    ],
)
def test_too_little_to_plan_with_is_said(project: Path, change: str, words: str) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(f"update marts.mart_planning_rates set {change}")
    done = run("proxy")
    assert done.exit_code == 0
    assert words in " ".join(done.stdout.split())
    assert rows(project, "evidence_proxy_metrics") == []
