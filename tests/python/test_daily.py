"""A daily run: stages in their order, exit codes, one run at a time, its log, going on after it.

Stages here are shell commands, so that what is tested is the run; test_daily_build runs real ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from microconv.arrival.places import Files
from microconv.cli import app
from microconv.clock import Clock
from microconv.daily import process
from microconv.daily.days import days_to_read
from microconv.daily.lock import run_lock
from microconv.daily.process import Ended, StoppedError, stopping_signals
from microconv.daily.run_log import RunLog, last_run
from microconv.daily.session import Session
from microconv.daily.stages import EVIDENCE, Choice, Chunk, Plan, Stage, chosen, stages_of
from microconv.errors import MicroconvError
from project_run import PROJECT
from test_arrival import TestClock, write_day
from typer.testing import CliRunner

DAY = date(2026, 11, 22)
PATIENCE_SECONDS = 20


@pytest.fixture(autouse=True)
def shell_commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let a stage's command be a line for the shell, in a project of its own."""
    monkeypatch.setattr(process, "command_line", lambda arguments: ["sh", "-c", arguments[0]])
    monkeypatch.setenv("DBT_PROFILES_DIR", str(PROJECT))
    monkeypatch.delenv("DBT_TARGET_PATH", raising=False)


def stage(name: str, *commands: str, **said: Any) -> Stage:
    return Stage(name, tuple((one,) for one in commands), said.pop("limit", 30), **said)


class QuickClock(Clock):
    """The machine's, but nobody sleeps long."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        if seconds > 1:
            self.slept.append(seconds)
        time.sleep(min(seconds, 0.01))


@dataclass
class Days:
    """Runs in a folder, their log, and what a stage left there."""

    folder: Path

    def run(self, *stages: Stage, scope: str = "2026-11-22", resume: bool = False) -> int:
        self.clock = QuickClock()
        return Session(self.folder, self.log, self.clock).run(stages, scope, is_resumed=resume)

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "daily.jsonl"

    def lines(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def outcomes(self) -> dict[str, str]:
        """How the stages of the newest run ended."""
        newest = self.lines("run_started")[-1]["run_id"]
        ended = self.lines("stage_ended")
        return {line["stage"]: line["outcome"] for line in ended if line["run_id"] == newest}

    def traces(self) -> list[str]:
        path = self.folder / "traces"
        return path.read_text().split() if path.exists() else []


def leaves(trace: str) -> str:
    return f"echo {trace} >> traces"


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


# ---- order, needs and exit codes -----------------------------------------------------------------


def test_stages_run_in_order_and_all_done_is_0(days: Days) -> None:
    assert days.run(stage("build", leaves("a"), leaves("b")), stage("report", leaves("c"))) == 0
    assert days.traces() == ["a", "b", "c"]
    assert days.outcomes() == {"build": "done", "report": "done"}
    [ended] = days.lines("run_ended")
    assert ended["exit_code"] == 0 and ended["not_done"] == {} and ended["seconds"] > 0


def test_what_needs_a_failed_stage_is_left_out_and_the_rest_is_not(days: Days) -> None:
    code = days.run(
        stage("build", leaves("build")),
        stage("correlate", "echo no; exit 1", needs=("build",)),
        stage("watch", leaves("watch"), needs=("build",)),
        stage("report", leaves("report"), needs=("build", "correlate")),
        stage("export", leaves("export"), needs=("report",)),
    )
    assert code == 1
    assert days.traces() == ["build", "watch"]
    assert days.outcomes() == {
        "build": "done",
        "correlate": "failed",
        "watch": "done",
        "report": "left_out",
        "export": "left_out",
    }


def test_a_stage_that_needs_one_that_is_not_part_of_the_run_runs(days: Days) -> None:
    assert days.run(stage("report", leaves("report"), needs=("build",))) == 0
    assert days.traces() == ["report"]


@pytest.mark.parametrize(
    ("exit_code", "late_ok", "code", "outcome", "traces"),
    [
        (0, False, 0, "done", ["build"]),
        (3, False, 3, "late", []),
        (3, True, 0, "went_on_late", ["build"]),
        (2, True, 2, "failed", []),
    ],
)
def test_a_day_that_does_not_come_stops_with_3_unless_that_is_all_right(
    days: Days, exit_code: int, late_ok: bool, code: int, outcome: str, traces: list[str]
) -> None:
    wait = stage("wait", f"exit {exit_code}", is_late_allowed=late_ok)
    assert days.run(wait, stage("build", leaves("build"), needs=("wait",))) == code
    assert days.outcomes()["wait"] == outcome
    assert days.traces() == traces


def test_a_wrong_call_is_2_and_wrong_data_beside_it_is_1(days: Days) -> None:
    assert days.run(stage("check", "exit 2")) == 2
    assert days.run(stage("check", "exit 2"), stage("watch", "exit 1")) == 1


def test_exit_code_3_of_anything_but_the_wait_is_a_failure(days: Days) -> None:
    assert days.run(stage("build", "exit 3")) == 1


# ---- output, time-outs, tries --------------------------------------------------------------------


def test_why_a_stage_failed_is_shown_and_kept(
    days: Days, capfd: pytest.CaptureFixture[str]
) -> None:
    days.run(stage("build", "echo the reason; exit 1"))
    shown = capfd.readouterr()
    assert "build      failed with exit code 1" in shown.out
    assert "the reason" in shown.err
    [kept] = days.log.with_suffix("").glob("*/build.log")
    assert kept.read_text() == "the reason\n"


def test_a_command_is_ended_when_its_time_is_over(days: Days) -> None:
    began = time.monotonic()
    assert days.run(stage("build", "exec sleep 60", limit=1), stage("next", leaves("next"))) == 1
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert days.outcomes() == {"build": "timed_out", "next": "done"}


def test_a_command_that_does_not_want_to_end_is_made_to(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_FAREWELL_SECONDS", 1)
    stubborn = "trap '' TERM; while true; do sleep 0.1; done"
    assert days.run(stage("build", stubborn, limit=1)) == 1
    assert days.outcomes() == {"build": "timed_out"}


def test_what_passes_by_itself_is_tried_again_with_growing_pauses(days: Days) -> None:
    locked = (
        "echo x >> traces; echo 'IO Error: Could not set lock on file'; test $(wc -l < traces) = 3"
    )
    assert days.run(stage("build", locked, tries=3, pause=60)) == 0
    assert days.clock.slept == [60, 120]
    assert [line["attempt"] for line in days.lines("command_ended")] == [1, 2, 3]
    assert days.lines("stage_ended")[0]["tries"] == 3


def test_what_does_not_pass_by_itself_is_not_tried_again(days: Days) -> None:
    assert days.run(stage("build", "echo x >> traces; echo test failed; exit 1", tries=3)) == 1
    assert days.traces() == ["x"]


def test_tries_are_bounded(days: Days) -> None:
    locked = "echo x >> traces; echo The DuckDB file is in use; exit 1"
    assert days.run(stage("build", locked, tries=2)) == 1
    assert days.traces() == ["x", "x"]


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ("403 Quota exceeded: rateLimitExceeded", True),
        ("503 Service Unavailable", True),
        ("Got 1 result, configured to fail if != 0", False),
        ("Done. PASS=503 WARN=0 ERROR=1", False),
    ],
)
def test_only_what_a_busy_warehouse_says_passes(said: str, passes: bool) -> None:
    assert Ended(1, said, 0).passes is passes
    assert not Ended(0, said, 0).passes
    assert not Ended(None, said, 0).passes


# ---- one at a time -------------------------------------------------------------------------------


def test_a_second_run_is_refused_in_a_sentence(tmp_path: Path) -> None:
    lock = tmp_path / "daily.lock"
    with run_lock(lock, "first", 0, TestClock()):
        with pytest.raises(MicroconvError) as refused, run_lock(lock, "second", 0, TestClock()):
            pass
        assert refused.value.exit_code == 4
        assert f"Another daily run is going: first (process {os.getpid()}" in str(refused.value)
    with run_lock(lock, "third", 0, TestClock()):
        pass


def test_a_second_run_waits_if_asked_to_but_not_for_ever(tmp_path: Path) -> None:
    lock, clock = tmp_path / "daily.lock", TestClock()
    first = run_lock(lock, "first", 0, clock)
    first.__enter__()
    with (
        pytest.raises(MicroconvError, match="did not end within 10 s"),
        run_lock(lock, "second", 10, clock),
    ):
        pass
    assert clock.passed == 10
    clock.happenings = {15: lambda: first.__exit__(None, None, None)}
    with run_lock(lock, "third", 60, clock):
        assert 15 <= clock.passed < 20


HOLDER = """
import subprocess, sys, time
from pathlib import Path
from microconv.clock import Clock
from microconv.daily.lock import run_lock
with run_lock(Path(sys.argv[1]), "killed", 0, Clock()) as descriptor:
    stage = subprocess.Popen(["sleep", sys.argv[2]], pass_fds=[descriptor])
    print(stage.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def killed_run(tmp_path: Path) -> Iterator[int]:
    """The process id of a stage whose run was killed without warning."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    arguments = [sys.executable, "-c", HOLDER, str(tmp_path / "daily.lock"), "60"]
    run = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    run.kill()
    run.wait()
    run.stdout.close()
    yield pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_a_killed_run_leaves_no_lock_once_its_stage_is_over(
    tmp_path: Path, killed_run: int
) -> None:
    lock = tmp_path / "daily.lock"
    with (
        pytest.raises(MicroconvError, match=r"killed \(process \d+ or a stage it began\)"),
        run_lock(lock, "next", 0, Clock()),
    ):
        pass
    os.kill(killed_run, signal.SIGKILL)
    with run_lock(lock, "next", PATIENCE_SECONDS, Clock()):
        pass


# ---- asked to end --------------------------------------------------------------------------------


def test_a_run_that_is_asked_to_end_ends_its_stage_and_says_so(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_FAREWELL_SECONDS", 5)
    asks = f"kill -TERM {os.getpid()}; exec sleep 60"
    began = time.monotonic()
    assert days.run(stage("build", asks), stage("report", leaves("report"))) == 128 + 15
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert days.outcomes() == {"build": "stopped"}
    assert days.lines("run_ended")[0]["exit_code"] == 143
    assert days.traces() == []


def test_a_run_that_waits_for_another_can_be_asked_to_end(days: Days) -> None:
    days.folder.joinpath("target").mkdir()
    clock = TestClock(happenings={5: lambda: os.kill(os.getpid(), signal.SIGINT)})
    with run_lock(days.folder / "target" / "daily.lock", "first", 0, clock):
        session = Session(days.folder, days.log, clock, queue=60)
        assert session.run([stage("build", leaves("build"))], "2026-11-22") == 130
    assert days.traces() == [] and not days.log.exists()


def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedError), stopping_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


# ---- going on after a run ------------------------------------------------------------------------


def three(middle: str = "exit 1") -> Sequence[Stage]:
    return (
        stage("build", leaves("build")),
        stage("correlate", middle, needs=("build",)),
        stage("watch", leaves("watch"), needs=("build",)),
        stage("report", leaves("report"), needs=("correlate",)),
    )


def test_a_resumed_run_does_what_was_not_done(days: Days) -> None:
    assert days.run(*three()) == 1
    assert days.run(*three(leaves("correlate")), resume=True) == 0
    assert days.traces() == ["build", "watch", "correlate", "report"]
    assert days.run(*three(), resume=True) == 0, "nothing is left to do"
    assert len(days.lines("run_started")) == 2


def test_a_run_that_is_not_resumed_does_everything_again(days: Days) -> None:
    days.run(*three())
    days.run(*three(leaves("correlate")))
    assert days.traces() == ["build", "watch", "build", "correlate", "watch", "report"]


def test_a_run_about_another_day_is_not_resumed(days: Days) -> None:
    days.run(*three())
    days.run(*three(leaves("correlate")), scope="2026-11-23", resume=True)
    assert days.traces() == ["build", "watch", "build", "correlate", "watch", "report"]


def test_what_was_built_before_the_day_came_is_built_again(days: Days) -> None:
    def stages(code: int) -> tuple[Stage, Stage]:
        wait = stage("wait", f"exit {code}", is_late_allowed=True)
        return wait, stage("build", leaves("build"), needs=("wait",))

    assert days.run(*stages(3)) == 0
    assert days.run(*stages(0), resume=True) == 0
    assert days.traces() == ["build", "build"]


def test_a_backfill_goes_on_with_the_part_that_was_not_done(days: Days) -> None:
    parts = [leaves("one"), leaves("two"), leaves("three")]
    assert days.run(stage("build", parts[0], "exit 1", parts[2])) == 1
    assert days.run(stage("build", *parts), resume=True) == 0
    assert days.traces() == ["one", "two", "three"]


def test_a_log_whose_last_line_is_torn_is_read_and_written_on(days: Days) -> None:
    days.run(*three())
    with days.log.open("ab") as file:
        file.write(b'{"run_id": "x", "event": "stage_en')
    RunLog(days.log, "next", Clock()).add("run_started", scope="other", stages=["build"])
    found = last_run(days.log)
    assert found is not None and (found.run_id, found.scope) == ("next", "other")
    assert days.log.read_text().splitlines()[-2].endswith("stage_en")


def test_output_of_old_runs_is_forgotten(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microconv.daily.session._KEPT_OUTPUTS", 3)
    for number in range(5):
        (days.log.with_suffix("") / f"2026010{number}T000000Z-1").mkdir(parents=True)
    days.run(stage("build", "true"))
    kept = sorted(path.name for path in days.log.with_suffix("").iterdir())
    assert len(kept) == 3 and kept[0].startswith("20260103")


# ---- the plan ------------------------------------------------------------------------------------


def names(stages: Sequence[Stage]) -> list[str]:
    return [one.name for one in stages]


def test_every_stage_is_a_command_that_there_is() -> None:
    from microconv.cli import app

    everything = {
        str(one.name or getattr(one.callback, "__name__", "")).replace("_", "-")
        for one in app.registered_commands
    }
    for stage_ in stages_of(Plan(DAY)):
        assert stage_.limit > 0
        for command in stage_.commands:
            assert command[0] == "dbt" or command[0] in everything


def test_stages_stand_after_what_they_need() -> None:
    stages = stages_of(Plan(DAY))
    for position, one in enumerate(stages):
        assert set(one.needs) <= set(names(stages)[:position])
    assert names(stages)[:4] == ["wait", "check", "validate", "build"]
    assert names(stages)[-2:] == ["report", "export"]


def test_what_the_report_shows_is_made_before_it_by_make_too() -> None:
    [listed] = re.findall(r"^FOR_REPORT := (.*)$", (PROJECT / "Makefile").read_text(), re.M)
    assert set(listed.split()) <= set(names(stages_of(Plan(DAY))))
    assert set(listed.split()) == {*EVIDENCE, "watch"}


def test_options_reach_the_commands() -> None:
    plan = Plan(DAY, 7200, takes_any=True, warn_only=True, report=Path("a b.html"))
    commands = {one.name: one.commands[0] for one in stages_of(plan)}
    assert commands["wait"] == ("wait", "--day", "2026-11-22", "--for", "7200s", "--any-table")
    assert commands["validate"] == ("validate", "--expect", "2026-11-22", "--warn-only")
    late = {one.name: one.commands[0] for one in stages_of(Plan(DAY, is_late_allowed=True))}
    assert late["validate"] == ("validate",)
    assert commands["report"] == ("report", "--out", "a b.html")
    [export] = chosen(stages_of(plan), Choice(only="export"))
    assert export.commands == (("export", "--to", "target/bi"),)
    assert "wait" not in names(stages_of(Plan(None)))


def test_stages_are_chosen_by_name() -> None:
    stages = stages_of(Plan(DAY))
    assert names(chosen(stages, Choice(only="watch"))) == ["watch"]
    assert names(chosen(stages, Choice(first="watch"))) == ["watch", "report", "export"]
    [build] = chosen(stages, Choice(only="build", limits={"build": 5}))
    assert build.limit == 5
    with pytest.raises(MicroconvError, match="There is no stage 'tests'"):
        chosen(stages, Choice(first="tests"))


def test_a_backfill_builds_the_days_there_are_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in ("20261101", "20261102", "20261105", "20261201"):
        write_day(tmp_path, f"events_{day}.parquet")
    place = Files(str(tmp_path / "events_*.parquet"), PROJECT)
    monkeypatch.setattr("microconv.arrival.places.find_place", lambda folder: place)
    chunks = days_to_read(PROJECT, date(2026, 11, 1), date(2026, 11, 30), 2)
    first, second = Chunk(date(2026, 11, 1), date(2026, 11, 2)), Chunk(*[date(2026, 11, 5)] * 2)
    assert chunks == (first, second)
    [build] = chosen(stages_of(Plan(None, chunks=chunks)), Choice(only="build"))
    assert len(build.commands) == 2
    assert "reread_start_date: '2026-11-01'" in build.commands[0][-1]
    assert "export_end_date: '2026-11-05'" in build.commands[1][-1]
    with pytest.raises(MicroconvError, match="There is no export of 2026-10-01 to 2026-10-02"):
        days_to_read(PROJECT, date(2026, 10, 1), date(2026, 10, 2), 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--day", "2026-11-22", "--no-wait"], "--day and --no-wait do not go together"),
        (["--no-wait", "--from", "2026-11-22"], "--no-wait and --from do not go together"),
        (["--wait", "1h", "--no-wait"], "--wait and --no-wait do not go together"),
        (["--resume", "--no-wait"], "--resume and --no-wait do not go together"),
        (["--to", "2026-11-22"], "--to needs --from"),
        (["--from-stage", "tests"], "There is no stage 'tests'"),
        (["--from-stage", "build", "--only", "build"], "do not go together"),
        (["--time-out", "build"], "is no time-out"),
        (["--from", "2026-11-22", "--to", "2026-11-21"], "is after"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_runs(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))
    log = tmp_path / "daily.jsonl"
    done = CliRunner().invoke(app, ["daily", *arguments, "--log", str(log)])
    assert done.exit_code == 2
    assert said in done.stderr
    assert not log.exists()
