"""Real daily runs on a small shop: twice, killed at any stage, two at once, and a backfill."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from microconv.daily.stages import Chunk, Plan, stages_of
from microconv.demo import generate_demo
from project_run import PROJECT, Warehouse, shared_warehouse
from small_export import day_path
from warehouse_states import (
    SEED,
    assert_equal_tables,
    copy_of,
    first_warehouse,
    full_refresh_of,
    new_export,
)

pytestmark = pytest.mark.slow

UNTIL = date(2026, 11, 8)  # intraday only, so that the day before is the last whole one
DAY = date(2026, 11, 7)
PATIENCE_SECONDS = 600
STAGES = [one.name for one in stages_of(Plan(DAY))]


@dataclass
class Shop(Warehouse):
    """A warehouse that the command runs in, as a scheduler would call it."""

    @property
    def log(self) -> Path:
        return self.root / "logs" / "daily.jsonl"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def start(self, *arguments: str) -> Any:
        """A daily run in a process group of its own."""
        named = ["--log", str(self.log), "--report", str(self.report)]
        named += ["--bi", str(self.root / "bi")]
        return subprocess.Popen(
            [sys.executable, "-m", "microconv", "daily", *named, *arguments],
            env={
                **os.environ,
                **self.environment,
                "DBT_PROJECT_DIR": str(PROJECT),
                "DBT_PROFILES_DIR": str(self.root / "profiles"),
                "DBT_TARGET_PATH": str(self.root / "target"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def daily(self, *arguments: str, exit_code: int = 0) -> str:
        """A daily run to its end; what it printed."""
        process = self.start(*arguments)
        said, _ = process.communicate()
        assert process.returncode == exit_code, said
        return str(said)

    def lines(self) -> list[dict[str, Any]]:
        if not self.log.exists():
            return []
        lines = []
        for text in self.log.read_text().splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                continue  # torn by a kill
        return lines

    def seconds_of_stages(self) -> dict[str, float]:
        """How long the stages of the newest whole run took."""
        ended = [line for line in self.lines() if line["event"] == "stage_ended"]
        return {line["stage"]: line["seconds"] for line in ended if line["outcome"] == "done"}


def next_morning(shop: Shop, root: Path) -> Shop:
    """A copy, to which the next day's file has come."""
    shutil.copytree(shop.root, root, ignore=shutil.ignore_patterns("filled", "logs"))
    (root / "later").joinpath(day_path(Path(), DAY).name).rename(day_path(root / "export", DAY))
    return Shop(root)


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop of which all days but the last whole one were run."""

    def build(new: Warehouse) -> None:
        generate_demo(new.export, days=28, visitors_per_day=60, seed=5, until=UNTIL)
        (new.root / "later").mkdir()
        day_path(new.export, DAY).rename(new.root / "later" / day_path(Path(), DAY).name)
        Shop(new.root).daily("--day", "2026-11-06")

    return Shop(shared_warehouse(tmp_path_factory, "daily_yesterday", build).root)


@pytest.fixture(scope="module")
def today(yesterday: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same after an undisturbed run of the next morning."""

    def build(new: Warehouse) -> None:
        shop = next_morning(yesterday, new.root / "shop")
        shop.daily("--day", str(DAY))

    return Shop(shared_warehouse(tmp_path_factory, "daily_today", build).root / "shop")


def test_a_day_runs_through_all_stages(today: Shop) -> None:
    started = [line["stage"] for line in today.lines() if line["event"] == "stage_started"]
    assert started == STAGES
    assert list(today.seconds_of_stages()) == STAGES
    days = today.rows("select max(event_date) from stg_ga4__export_days where is_final")
    assert days == [(DAY,)]
    assert today.value("select count(*) from evidence_micro_conversions") > 0
    assert today.report.read_text().rstrip().endswith("</html>")


def test_running_again_changes_nothing(today: Shop, tmp_path: Path) -> None:
    again = Shop(shutil.copytree(today.root, tmp_path / "again"))
    assert "An earlier run did all of it" in again.daily("--day", str(DAY), "--resume")
    again.daily("--day", str(DAY))
    assert_equal_tables(again, today)


def test_a_day_that_has_not_come_changes_nothing_and_is_3(yesterday: Shop, tmp_path: Path) -> None:
    early = Shop(shutil.copytree(yesterday.root, tmp_path / "early"))
    said = early.daily("--day", str(DAY), exit_code=3)
    assert f"The export of {DAY} is not there." in said
    assert_equal_tables(early, yesterday)


# ---- killed --------------------------------------------------------------------------------------


def wait_for_stage(shop: Shop, process: Any, stage: str, lines_before: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(
        line["event"] == "stage_started" and line["stage"] == stage
        for line in shop.lines()[lines_before:]
    ):
        assert process.poll() is None, f"the run ended before {stage}"
        assert time.monotonic() < deadline, f"no {stage} in {PATIENCE_SECONDS} s"
        time.sleep(0.02)


def kill_in(shop: Shop, stage: str, delay: float, with_stage: bool) -> None:
    """Start the stages from one on and kill the run in it, with the stage or leaving it alone."""
    before = len(shop.lines())
    process = shop.start("--day", str(DAY), "--from-stage", stage, "--queue", "10m")
    wait_for_stage(shop, process, stage, before)
    time.sleep(delay)
    if with_stage:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
    assert shop.report.read_text().rstrip().endswith("</html>"), "half a report"


def assert_killed_runs_end_in(shop: Shop, today: Shop, moments: list[tuple[str, float]]) -> None:
    """Kill runs in stages, at a share of their time; the next whole run ends as undisturbed."""
    seconds = today.seconds_of_stages()
    for number, (stage, share) in enumerate(moments):
        kill_in(shop, stage, share * seconds[stage], with_stage=number % 2 == 0)
    before = len(shop.lines())
    undisturbed = shop.start("--day", str(DAY), "--queue", "10m")
    wait_for_stage(shop, undisturbed, "build", before)
    assert_a_second_run_is_refused(shop)
    said, _ = undisturbed.communicate()
    assert undisturbed.returncode == 0, said
    assert_equal_tables(shop, today)


def assert_a_second_run_is_refused(shop: Shop) -> None:
    """While one runs: at once, in a sentence."""
    began = time.monotonic()
    said = shop.daily("--day", str(DAY), exit_code=4)
    assert "Another daily run is going" in said
    assert time.monotonic() - began < 60


def test_a_run_killed_in_build_and_evidence_ends_as_if_undisturbed(
    yesterday: Shop, today: Shop, tmp_path: Path
) -> None:
    shop = next_morning(yesterday, tmp_path / "shop")
    assert_killed_runs_end_in(shop, today, [("build", 0.6), ("correlate", 0.9), ("report", 0.5)])


@pytest.mark.long
def test_a_run_killed_at_random_moments_of_every_stage_ends_as_if_undisturbed(
    yesterday: Shop, today: Shop, tmp_path: Path
) -> None:
    pick = random.Random(8)
    moments = [(stage, pick.uniform(0, 0.85)) for stage in STAGES for _ in range(2)]
    pick.shuffle(moments)
    print(moments)
    assert_killed_runs_end_in(next_morning(yesterday, tmp_path / "shop"), today, moments)


# ---- somebody else has the file ------------------------------------------------------------------


def test_a_stage_tries_again_while_the_file_is_taken_and_says_by_whom(
    yesterday: Shop, tmp_path: Path
) -> None:
    import duckdb

    shop = Shop(shutil.copytree(yesterday.root, tmp_path / "shop"))
    with duckdb.connect(str(shop.path)):
        process = shop.start("--no-wait", "--only", "value", "--time-out", "value=1m")
        said = next(
            (
                line
                for line in process.stdout
                if "did not get through; trying again in 1 min" in line
            ),
            None,
        )
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
    assert said, "the run ended without trying again"
    assert process.returncode == 143
    logs = (shop.root / "logs" / "daily").glob("*/value.log")
    printed = max(logs, key=lambda path: path.stat().st_mtime).read_text()
    assert "The DuckDB file is in use" in printed


# ---- a backfill ----------------------------------------------------------------------------------


def vars_of(first: date, last: date) -> tuple[str, ...]:
    """The options that the command gives a build of these days."""
    [build] = [
        one for one in stages_of(Plan(None, chunks=(Chunk(first, last),))) if one.name == "build"
    ]
    return build.commands[0][-2:]


def test_a_backfill_in_parts_ends_in_a_full_refresh(tmp_path: Path) -> None:
    export = new_export(SEED)
    warehouse = Warehouse(tmp_path / "parts")
    export.write(warehouse.export)
    days = export.dates
    for first, last in ((days[0], days[1]), (days[2], days[3]), (days[4], days[-1])):
        warehouse.build(*vars_of(first, last))
        assert warehouse.value("select max(event_date) from stg_ga4__export_days") == last
    assert_equal_tables(warehouse, full_refresh_of(warehouse, tmp_path / "whole"))


def test_a_backfill_reads_days_again_that_were_spoiled(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    """Rows of an old day vanished from the warehouse; its file did not change."""
    import duckdb

    good = first_warehouse(tmp_path_factory)
    warehouse = copy_of(good, tmp_path / "spoiled")
    day = new_export(SEED).dates[1]
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            f"delete from base_ga4__events where event_date = '{day}' and event_name <> 'page_view'"
        )
    warehouse.build(*vars_of(day, day))
    assert_equal_tables(warehouse, good)
