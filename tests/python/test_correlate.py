"""`microconv correlate` on histories with planted effects: found, explained, refused, written."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from evidence_warehouse import copy_to_work_in, longest_line, rows, run, shared_shop, work_in
from microconv.correlate.columns import TABLES


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_shop(tmp_path_factory)


@pytest.fixture
def project(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to work in."""
    return copy_to_work_in(shop, tmp_path / "shop", monkeypatch)


@pytest.fixture(scope="module")
def found(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command says as JSON."""
    with pytest.MonkeyPatch.context() as patch:
        work_in(shop, patch)
        done = run("correlate", "--format", "json", "--no-write")
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def micros(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["micro_name"]: row for row in found["evidence_micro_conversions"]}


def test_a_planted_effect_is_found(found: dict[str, Any]) -> None:
    guide = micros(found)["view_size_guide"]
    assert guide["verdict"].startswith("predictive")
    assert guide["evidence_rank"] == 1
    assert guide["matched_lift_low"] > 1 and guide["step_odds_ratio_low"] > 1
    # Planted: the odds of buying on a page are 2.5 times as high once it was opened.
    assert guide["step_odds_ratio_low"] < 2.5 < guide["step_odds_ratio_high"]
    assert guide["naive_lift"] > guide["matched_lift"]
    assert "announces the purchase" in guide["sentence"]


def test_nothing_is_concluded_over_an_outage(project: Path) -> None:
    """Ten of sixty days without one size guide while visitors come: off, not unloved."""
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("""
            update marts.mart_daily_conversions set conversion_count = 50, session_count = 100
            where conversion_name = 'view_size_guide'
        """)
        connection.execute("""
            delete from marts.mart_daily_conversions
            where conversion_name = 'view_size_guide'
                and conversion_date between date '2026-03-10' and date '2026-03-19'
        """)
        connection.execute("update marts.mart_daily_conversions set session_count = 100")
    done = run("correlate", "--format", "json", "--no-write")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    guide = micros(found)["view_size_guide"]
    assert guide["verdict"] == "insufficient" and guide["matched_lift"] is None
    assert guide["silent_day_count"] == 10
    assert "10 of" in guide["sentence"] and "2026-03-10 to 2026-03-19" in guide["sentence"]
    [check] = [row for row in found["evidence_checks"] if row["check_name"] == "outage"]
    assert check["status"] == "note" and "view_size_guide" in check["sentence"]


def test_what_busy_visitors_meet_is_explained(found: dict[str, Any]) -> None:
    for name in ("banner", "chat"):
        row = micros(found)[name]
        assert row["naive_lift_low"] > 1.5
        assert row["step_odds_ratio_low"] < 1 < row["step_odds_ratio_high"]
        assert row["verdict"] not in ("predictive", "predictive, robust", "predictive?")


def test_a_segment_that_does_more_of_it_does_not_pass_for_an_effect(found: dict[str, Any]) -> None:
    """The video is four times as common on mobile, which buys less, and does nothing."""
    video = micros(found)["watch_video"]
    assert video["step_odds_ratio_low"] < 1 < video["step_odds_ratio_high"]
    assert not video["verdict"].startswith("predictive")


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("add_to_cart", "gate"),
        ("order_status", "post_macro_only"),
        ("rare_event", "insufficient"),
    ],
)
def test_what_gets_no_lift_has_none_in_any_form(
    found: dict[str, Any], name: str, verdict: str
) -> None:
    row = micros(found)[name]
    assert row["verdict"] == verdict
    assert "×" not in row["sentence"]
    numbers = ("matched_lift", "naive_lift", "step_odds_ratio", "e_value", "last_third_ratio")
    assert [row[number] for number in numbers] == [None] * len(numbers)
    assert (row["recall"] is not None) == (verdict == "gate")
    assert name not in {one["micro_name"] for one in found["evidence_segments"]}


def test_a_message_off_the_page_is_not_matched(found: dict[str, Any]) -> None:
    push = micros(found)["push"]
    assert push["is_in_session"] is False and push["matched_lift"] is None
    assert not push["verdict"].startswith("predictive")


def test_made_up_events_look_good_and_are_nothing(found: dict[str, Any]) -> None:
    checks = {row["check_name"]: row for row in found["evidence_checks"]}
    for name in ("placebo_1pct", "placebo_5pct", "placebo_15pct"):
        assert checks[name]["status"] == "ok"
        assert "a made-up event that happens at random looks like" in checks[name]["sentence"]
    assert checks["bots"]["status"] == "ok"


def test_the_joint_view_names_who_is_left_out(found: dict[str, Any]) -> None:
    joint = {row["micro_name"]: row for row in found["evidence_joint"]}
    inside = {name for name, row in joint.items() if row["is_in_model"]}
    assert "view_size_guide" in inside and "order_status" not in inside
    assert joint["order_status"]["left_out_reason"]
    assert sum(joint[name]["shapley_share"] for name in inside) == pytest.approx(1)


def test_rows_have_the_columns_that_are_written(found: dict[str, Any]) -> None:
    for table, columns in TABLES.items():
        assert found[table], table
        for row in found[table]:
            assert list(row) == list(columns), table


def test_the_table_fits_a_terminal_and_says_its_limits(project: Path) -> None:
    done = run("correlate", "--no-write")
    assert done.exit_code == 0
    assert longest_line(done.stdout) <= 120
    for words in (
        "What announces Purchase within 14 days, as of 2026-04-30",
        "of visitors who opened the size guide bought later within 14 days",
        "Self-check: the design against your own data",
        "All together, for prediction only",
        "Observational: visitors chose what they did",
    ):
        assert words in done.stdout
    # A label is a user's text: brackets are no markup.
    assert "=Banner [seen]" in done.stdout


def test_csv_cells_are_no_formulas(project: Path) -> None:
    done = run("correlate", "--no-write", "--format", "csv")
    read = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(read) == 8
    labels = {row["micro_name"]: row["micro_label"] for row in read}
    assert labels["banner"] == "'=Banner [seen]"


def test_no_write_writes_nothing(project: Path) -> None:
    before = (project / "shop.duckdb").read_bytes()
    assert run("correlate", "--no-write").exit_code == 0
    assert (project / "shop.duckdb").read_bytes() == before


def test_writing_twice_leaves_the_same_rows(project: Path) -> None:
    assert run("correlate").exit_code == 0
    first = {table: rows(project, table) for table in TABLES}
    assert {table: len(found) for table, found in first.items()} == {
        "evidence_micro_conversions": 8,
        "evidence_segments": len(first["evidence_segments"]),
        "evidence_checks": 10,
        "evidence_joint": 8,
    }
    assert run("correlate", "--macro", "purchase").exit_code == 0
    assert {table: rows(project, table) for table in TABLES} == first
    [label] = {
        row["micro_label"]
        for row in first["evidence_micro_conversions"]
        if row["micro_name"] == "banner"
    }
    assert label == "=Banner [seen]"
    assert {row["definitions_version"] for row in first["evidence_checks"]} == {"v1"}


def test_a_table_of_an_older_version_gets_the_new_columns(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("create table marts.evidence_checks (macro_name varchar, mine integer)")
        connection.execute("insert into marts.evidence_checks values ('purchase', 1), ('old', 2)")
    assert run("correlate").exit_code == 0
    written = rows(project, "evidence_checks")
    assert len(written) == 11
    # Rows of macros that the run was not about stay.
    assert [row["mine"] for row in written if row["macro_name"] == "old"] == [2]


def test_an_unknown_macro_is_a_wrong_call(project: Path) -> None:
    done = run("correlate", "--macro", "sale")
    assert done.exit_code == 2
    assert "There is no macro-conversion “sale”; there are purchase." in done.stderr


def test_a_wrong_day_is_a_wrong_call(project: Path) -> None:
    done = run("correlate", "--as-of", "yesterday")
    assert done.exit_code == 2 and "is no day" in done.stderr


def test_tables_that_were_not_built_are_a_failure(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("drop table marts.mart_evidence_checks")
    done = run("correlate")
    assert done.exit_code == 1
    assert "There is no table 'mart_evidence_checks'" in done.stderr
    assert "make build" in done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "update marts.mart_evidence_checks set decision_count = 0",
            "The export holds no event that could be measured",
        ),
        (
            "delete from marts.mart_evidence_checks",
            "The export holds no event that could be measured",
        ),
        (
            "update marts.mart_evidence_checks set first_macro_count = 0",
            "No visitor reached “Purchase” up to 2026-04-30",
        ),
        (
            "update marts.mart_evidence_checks set followed_decision_count = 0, "
            "window_start_date = as_of_date",
            "The data cover one day up to 2026-04-30; nobody was followed for 14 days yet",
        ),
        (
            "delete from marts.dim_conversions where conversion_type = 'micro'",
            "The catalog holds no micro-conversion to hold against “Purchase”.",
        ),
    ],
)
@pytest.mark.parametrize("command", ["correlate", "value", "score"])
def test_a_refusal_is_a_sentence_and_a_finding(
    project: Path, change: str, words: str, command: str
) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(change)
    done = run(command)
    assert done.exit_code == 0
    assert words in " ".join(done.stdout.split())
    as_json = run(command, "--format", "json")
    assert as_json.exit_code == 0
    assert words in as_json.stdout
