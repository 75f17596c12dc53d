"""The `microconv` command: what it prints, its exit codes, and that it answers at once."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from built_project import make_project
from microconv import output
from microconv.cli import app
from microconv.errors import MicroconvError
from microconv.profile import Record
from microconv.summary_data import rules_sentence
from typer.testing import CliRunner, Result

PROJECT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run inside the project as it is shipped."""
    monkeypatch.setenv("DBT_PROJECT_DIR", str(PROJECT))


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run inside a small project that was built."""
    for name in ("DUCKDB_PATH", "DBT_PROFILES_DIR", "DBT_TARGET", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    return make_project(tmp_path)


def test_help_loads_nothing_heavy() -> None:
    heavy = ("dbt", "duckdb", "numpy", "pandas", "pyarrow")
    script = f"import microconv.cli, sys; print([m for m in {heavy} if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "[]\n"
    assert time.perf_counter() - started < 5


def test_every_command_explains_itself() -> None:
    listed = run("--help").output
    for command in ("audience", "check", "cost", "init", "summary"):
        assert command in listed
        assert run(command, "--help").exit_code == 0


def test_check_is_quiet_when_all_is_well(shipped: None) -> None:
    done = run("check", "--seeds-only")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "Checked 14 conversions, 16 rules, 5 funnels: all well.\n"


def test_a_reader_that_has_gone_is_no_error(shipped: None) -> None:
    """As of `microconv check | head`: what a command does beside its words is done."""
    read, write = os.pipe()
    os.close(read)
    script = "import sys; from microconv.cli import app; sys.argv[0] = 'microconv'; app()"
    command = [sys.executable, "-c", script, "check", "--seeds-only"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_refuses_with_exit_code_1_and_groups_by_file(shipped: None) -> None:
    done = run("check", "--export", "/nowhere/*.parquet")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == "/nowhere/*.parquet (must be put right)"
    assert done.stderr.splitlines()[1].startswith("  No export files match. Point GA4_EXPORT_FILES")
    assert done.stderr.splitlines()[-1] == "1 error, 0 warnings."


def test_check_prints_json(shipped: None) -> None:
    done = run("check", "--export", "/nowhere/*.parquet", "--format", "json")
    report = json.loads(done.stdout)
    assert done.exit_code == 1 and report["ok"] is False
    assert report["checked"]["conversions"] == 14
    assert report["problems"][0]["file"] == "/nowhere/*.parquet"


def test_warnings_fail_only_when_strict(shipped: None) -> None:
    arguments = ("check", "--export", "gs://bucket/events_*.parquet")
    relaxed, strict = run(*arguments), run(*arguments, "--strict")
    assert (relaxed.exit_code, strict.exit_code) == (0, 1)
    assert "no errors, 1 warning" in relaxed.stdout and "(warning)" in relaxed.stderr
    assert json.loads(run(*arguments, "--strict", "--format", "json").stdout)["ok"] is False


@pytest.mark.parametrize(
    "arguments", [["check", "--colour"], ["nothing"], ["check", "--format", "xml"], ["check", "x"]]
)
def test_a_wrong_call_ends_with_exit_code_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_an_error_is_two_plain_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    done = run("check")
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"microconv: There is no dbt_project.yml in {tmp_path}.",
        "Change into the project, or set DBT_PROJECT_DIR to its folder.",
    ]


def test_summary_shows_every_rate_with_base_interval_and_rule(built: Path) -> None:
    text = run("summary").stdout
    for words in (
        "2026-01-01 to 2026-01-03",
        "=Viewed [a product]",
        "4.20 % [3.12 %, 5.63 %]",
        "From product to order",
        "By visitor; steps in this order",
        "within 168 hours of step 1",
        "40 newer entries still have time to convert and are not counted.",
        "1 smaller one has too few sessions for a rate.",
        "1 of the 2 catalogued conversions did not happen in these days (=Viewed [a product])",
        "=Carts 900 6.60 % [5.80 %, 7.40 %] 5 to 10 % inside",
        "Views 900 1.17 [1.13, 1.22] from 2 unreliable",
        "Times 9 – to 3 too few",
        "Unreliable: of 'Views' something was not recorded on 2 days",
        "Worth a look: One event is two.",
        f"Tables: DuckDB file {built / 'shop.duckdb'}, schema marts.",
    ):
        assert words in " ".join(text.split())
    assert "100.0 %" not in text
    assert "tablet" not in text and "Said elsewhere" not in text
    assert [line.split()[-1] for line in text.splitlines() if "Device" in line] == [
        "shown",
        "lower",
    ]


def test_summary_explains_empty_tables(built: Path) -> None:
    with duckdb.connect(str(built / "shop.duckdb")) as connection:
        connection.execute("update marts.mart_daily_conversions set conversion_count = 0")
    text = " ".join(run("summary").stdout.split())
    assert "None of the 2 catalogued conversions happened in these days" in text
    assert "`microconv discover` lists the events that the export holds" in text


def test_summary_prints_one_csv_table_without_formulas(built: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("summary", "--format", "csv").stdout)))
    rates = [row for row in rows if row["measure"] == "step_conversion_rate"]
    assert [(r["name"], r["value"], r["value_low"]) for r in rates] == [
        ("shop / 1 / view_item", "", ""),
        ("shop / 2 / purchase", "0.042", "0.0312"),
    ]
    assert {row["section"] for row in rows} == {
        *("exports", "funnels", "segments", "kpis", "findings"),
    }


def test_summary_prints_json(built: Path) -> None:
    found = json.loads(run("summary", "--format", "json").stdout)
    assert found["exports"][0]["raw_row_count"] == 300
    assert found["exports"][0]["first_date"] == "2026-01-01"
    assert found["funnels"][1]["step_conversion_rate"] == 0.042
    assert found["hidden_segment_count"] == 1
    assert [row["status"] for row in found["kpis"]] == ["inside", "too few", "unreliable"]


def test_summary_before_a_build_is_a_plain_error(built: Path) -> None:
    (built / "shop.duckdb").unlink()
    done = run("summary")
    assert done.exit_code == 1 and done.stdout == ""
    assert "make build" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_text_that_a_spreadsheet_would_run_is_made_harmless(start: str) -> None:
    assert output.csv_cell(f"{start}1+1") == f"'{start}1+1".replace("\r", " ")


def test_csv_numbers_stay_numbers() -> None:
    assert output.csv_cell(-0.5) == -0.5
    assert output.csv_cell(float("nan")) == ""
    assert output.csv_cell(None) == ""


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(0.0, "0.0 %"), (0.0421, "4.21 %"), (0.5, "50.0 %"), (1.0, "100.0 %"), (None, "–")],
)
def test_percentages_keep_what_matters(rate: float | None, shown: str) -> None:
    assert output.percentage(rate) == shown


def test_what_is_no_number_is_shown_as_none() -> None:
    for value in (None, math.nan, math.inf):
        assert output.count(value) == output.percentage(value) == "–"
    assert output.count(12345.0) == "12,345"


def test_control_characters_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("a\x1b[2Jb")
    output.print_table("t", ["h"], [["\x1b]0;x\x07"]])
    assert "\x1b" not in capsys.readouterr().out


def test_rules_of_other_funnels_have_words_too() -> None:
    funnel: Record = {
        "unit": "session",
        "step_order": "any",
        "entry": "open",
        "window_hours": 0.5,
        "step_window_hours": 2.0,
        "counting": "attempts",
    }
    sentence = rules_sentence(funnel)
    assert "steps in any order; entry at any step; within 0.5 hours of step 1" in sentence
    assert "2 hours of the step before; every attempt" in sentence
    one_hour = rules_sentence({**funnel, "step_window_hours": 1.0})
    assert "and 1 hour of the step before" in one_hour


def test_an_error_reads_as_one_sentence_and_its_remedy() -> None:
    assert str(MicroconvError("It broke.", "Mend it.")) == "It broke. Mend it."
