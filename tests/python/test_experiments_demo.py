"""Planted experiments from the raw export to the commands, and rates to plan with, by hand."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from evidence_warehouse import run
from microconv.demo import DemoError, generate_demo
from microconv.demo.experiments import KINDS, MOST_EXPERIMENTS
from project_run import PROJECT, Warehouse, shared_warehouse
from test_marts_reference import close, wilson

pytestmark = pytest.mark.slow

UNTIL = date(2026, 10, 31)
GUIDE, HEADLINE, RETURNS, SLOW = (f"demo-{kind.name}_{n}" for n, kind in enumerate(KINDS, start=1))
HORIZON = 14 * 86_400_000_000


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    def build(new: Warehouse) -> None:
        new.is_as_shipped = True
        generate_demo(new.export, days=22, visitors_per_day=110, seed=4, until=UNTIL, experiments=4)
        marts = ("mart_experiments", "mart_planning_rates", "mart_evidence_checks")
        new.build("-s", *(f"+{mart}" for mart in marts), "mart_experiment_rejections")

    return shared_warehouse(tmp_path_factory, "experiments_demo", build)


@pytest.fixture
def copied(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that commands may write to."""
    copy = tmp_path / "micro_conversions.duckdb"
    for file in warehouse.root.glob("micro_conversions.duckdb*"):
        shutil.copy(file, tmp_path / file.name)
    monkeypatch.delenv("DBT_TARGET", raising=False)
    monkeypatch.setenv("DUCKDB_PATH", str(copy))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(warehouse.root / "profiles"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(warehouse.root / "target"))
    return copy


def test_what_was_planted_is_found(copied: Path) -> None:
    done = run("experiments", "--format", "json", "--macro", "purchase")
    assert done.exit_code == 0, done.output
    found = {
        (row["experiment_name"], row["conversion_name"]): row
        for row in json.loads(done.stdout)["evidence_experiments"]
    }
    guide = found[GUIDE, "view_size_guide"]
    assert guide["outcome"] == "higher" and guide["lift_low"] > 1.5
    assert (guide["control_name"], guide["variant_name"]) == ("control", "new")
    for (experiment, measure), row in found.items():
        if experiment == SLOW:
            assert row["outcome"] == "not readable" and row["lift"] is None
            assert row["sample_ratio_p_value"] < 0.001
        elif (experiment, measure) not in ((GUIDE, "view_size_guide"), (RETURNS, "purchase")):
            assert row["outcome"] in ("no difference shown", "too few"), (experiment, measure, row)
    assert {experiment for experiment, _ in found} == {GUIDE, HEADLINE, RETURNS, SLOW}
    # Everybody was followed, and who came on two devices may have seen both variants.
    assert {row["immature_count"] for row in found.values()} == {0}
    assert sum(row["switched_count"] for row in found.values()) > 0
    text = " ".join(run("experiments", "--macro", "purchase", "--no-write").stdout.split())
    assert "“Opened the size guide” was more frequent with new" in text
    assert f"{SLOW} is not read" in text
    assert "10 experiments are needed for one" in text


def test_the_next_test_is_planned_with_it(copied: Path) -> None:
    assert run("experiments").exit_code == 0
    done = run("proxy", "--macro", "purchase", "--format", "csv")
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows[0]["metric_name"] == "purchase" and len(rows) > 8
    # `experiments` was run and `correlate` was not.
    assert "run `microconv correlate` first" in done.stderr
    assert "evidence_proxy_validations" not in done.stderr


def test_planning_rates_are_those_of_an_experiment_that_began_then(warehouse: Warehouse) -> None:
    """Counted visitor by visitor from the first step in the window on."""
    ((as_of,),) = warehouse.rows("select as_of_timestamp from int_export_as_of")
    bots = {
        subject
        for (subject,) in warehouse.rows(
            "select subject_id from int_evidence_subjects where is_suspected_bot"
        )
    }
    entered: dict[str, int] = {}
    for subject, moment in warehouse.rows("select subject_id, step_timestamp from int_clock_steps"):
        if moment + HORIZON <= as_of and subject not in bots:
            entered[subject] = min(moment, entered.get(subject, moment))
    done: dict[str, set[str]] = defaultdict(set)
    for name, visitor, moment in warehouse.rows(
        "select conversion_name, visitor_id, event_timestamp from int_conversions_counted"
        " where is_counted and coalesce(exclusion_reason, 'suspected_bot') = 'suspected_bot'"
    ):
        if visitor in entered and 0 < moment - entered[visitor] <= HORIZON:
            done[name].add(visitor)
    rows: list[dict[str, Any]] = warehouse.records("select * from mart_planning_rates")
    assert len(rows) > 10
    for row in rows:
        hits = len(done[row["conversion_name"]])
        assert (row["subject_count"], row["converted_count"]) == (len(entered), hits)
        low, high = wilson(hits, len(entered))
        assert close(row["conversion_rate"], hits / len(entered))
        assert close(row["conversion_rate_low"], low) and close(row["conversion_rate_high"], high)
        assert (row["window_day_count"], row["window_end_date"]) == (8, date(2026, 10, 17))
    assert len(entered) > 500 and sum(map(len, done.values())) > 1000


def test_experiments_are_the_shops_and_not_too_many(tmp_path: Path) -> None:
    small: dict[str, Any] = {"days": 2, "visitors_per_day": 5, "seed": 1, "until": UNTIL}
    with pytest.raises(DemoError, match="between 0 and 40"):
        generate_demo(tmp_path / "many", **small, experiments=MOST_EXPERIMENTS + 1)
    with pytest.raises(DemoError, match="in the shop only"):
        generate_demo(tmp_path / "saas", **small, experiments=1, vertical="saas")
    planted = generate_demo(tmp_path / "all", **small, experiments=MOST_EXPERIMENTS).truth
    names = {one["experiment_name"] for one in planted["experiments"]}
    assert len(names) == MOST_EXPERIMENTS
    assert "experiments" not in generate_demo(tmp_path / "none", **small).truth
