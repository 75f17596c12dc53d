"""`microconv value` and `microconv score`: money, learned points, and what is refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from evidence_warehouse import copy_to_work_in, longest_line, rows, run, shared_shop
from microconv.check.project import check_project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_shop(tmp_path_factory)


@pytest.fixture
def project(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to work in."""
    return copy_to_work_in(shop, tmp_path / "shop", monkeypatch)


def weekly_cuts(project: Path, strength: float, manual: str = "noise") -> None:
    """Replace the snapshots: `view_size_guide` lately done goes with `strength` log odds."""
    random = np.random.default_rng(5)
    names = ["add_to_cart", "banner", "chat", "order_status", "push", "rare_event"]
    names += ["view_size_guide", "watch_video"]
    found = []
    for week in range(10):
        for done in (False, True):
            for banner in (False, True):
                n = 400
                odds = np.exp(-3 + strength * done)
                hits = random.binomial(n, odds / (1 + odds))
                pattern = " ".join(pair for pair, has in (("1:2", banner), ("6:1", done)) if has)
                score = 5 * (banner if manual == "noise" else done)
                cut = dt.date(2026, 3, 2) + dt.timedelta(days=7 * week)
                found.append(("purchase", cut, pattern, score, n, int(hits)))
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("delete from marts.mart_score_snapshots")
        connection.executemany(
            "insert into marts.mart_score_snapshots (macro_name, cut_date, age_pattern,"
            " manual_score, subject_count, converted_count) values (?, ?, ?, ?, ?, ?)",
            found,
        )


# ---- value ---------------------------------------------------------------------------------------


def test_gross_value_is_the_formula_and_incremental_is_less(project: Path) -> None:
    done = run("value", "--format", "json")
    assert done.exit_code == 0, done.output
    found = {
        row["micro_name"]: row for row in json.loads(done.stdout)["evidence_conversion_values"]
    }
    guide = found["view_size_guide"]
    product = guide["conversion_rate"] * guide["average_order_value_usd"]
    assert guide["gross_value_usd"] == pytest.approx(product)
    assert guide["gross_value_usd_low"] < product < guide["gross_value_usd_high"]
    assert 0 < guide["incremental_value_usd_low"] < guide["incremental_value_usd"] < product
    assert guide["key_event_value_usd"] == guide["incremental_value_usd"]
    assert guide["cautious_key_event_value_usd"] == guide["incremental_value_usd_low"]
    assert guide["monthly_opportunity_usd"] == pytest.approx(
        guide["incremental_value_usd"] * guide["monthly_count"] * 0.1
    )
    assert guide["value_rank"] == 1
    assert "if the extra visitors behave like current ones" in guide["sentence"]
    # A gate has a value, and nobody comparable; a follower and a rare one have neither.
    assert found["add_to_cart"]["gross_value_usd"] > 0
    assert found["add_to_cart"]["incremental_value_usd"] is None
    for name in ("order_status", "rare_event"):
        assert found[name]["gross_value_usd"] is None
        assert "50 are needed for a value" in found[name]["sentence"]
    assert rows(project, "evidence_conversion_values")


def test_values_are_written_once_and_never_added_up(project: Path) -> None:
    assert run("value").exit_code == 0
    first = rows(project, "evidence_conversion_values")
    done = run("value")
    assert rows(project, "evidence_conversion_values") == first
    assert len(first) == 8
    text = " ".join(done.stdout.split())
    assert "values of different actions never add up" in text
    assert "otal" not in text
    assert longest_line(done.stdout) <= 120


def test_a_few_large_orders_are_said(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_conversion_reach"
            " set top_hundredth_revenue_usd = 0.4 * first_micro_revenue_usd"
        )
    [guide] = [
        row
        for row in json.loads(run("value", "--format", "json").stdout)["evidence_conversion_values"]
        if row["micro_name"] == "view_size_guide"
    ]
    assert guide["is_top_heavy"] is True
    assert guide["gross_value_without_top_usd"] == pytest.approx(0.6 * guide["gross_value_usd"])
    assert "The largest hundredth of buyers holds 40.0 % of this revenue" in guide["sentence"]


def test_a_macro_without_money_gets_no_values(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("update marts.mart_conversion_reach set first_micro_revenue_usd = 0")
    done = run("value")
    assert done.exit_code == 0
    assert "“Purchase” carries no money" in " ".join(done.stdout.split())
    assert rows(project, "evidence_conversion_values") == []


# ---- score ---------------------------------------------------------------------------------------


def test_a_better_score_is_proposed_and_written(project: Path) -> None:
    weekly_cuts(project, strength=2.0)
    before = (project / "seeds" / "lead_score_weights.csv").read_text()
    done = run("score")
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    assert "The learned points rank visitors better" in text
    assert "-view_size_guide,8,7,16,manual," in done.stdout
    # All of its visitors did it the same while ago: no decay was seen, and none is made up.
    assert "Learned points do not fade after the last time." in text
    assert "+view_size_guide,10,36500,10,learned,2026-04-30" in done.stdout
    assert (project / "seeds" / "lead_score_weights.csv").read_text() == before
    assert run("score", "--write").exit_code == 0
    weights = list(csv.DictReader((project / "seeds" / "lead_score_weights.csv").open()))
    by_name = {row["conversion_name"]: row for row in weights}
    assert by_name["view_size_guide"]["points"] == "10"
    assert {row["origin"] for row in weights} == {"learned"}
    # What the model does not know has no points, or the score would not be the one tested.
    assert by_name["begin_checkout"]["points"] == "0" and by_name["purchase"]["points"] == "0"
    bands = list(csv.DictReader((project / "seeds" / "lead_score_bands.csv").open()))
    assert bands[0]["score_from"] == "0" and bands[-1]["score_to"] == ""
    rates = [float(row["probability_percent"]) for row in bands]
    assert rates == sorted(rates) and rates[-1] > 3 * rates[0]


def test_written_seeds_pass_the_check(project: Path) -> None:
    weekly_cuts(project, strength=2.0)
    assert run("score", "--write").exit_code == 0
    # The simulated catalog has conversions that the shipped one has not.
    for name in ("lead_score_weights.csv", "lead_score_bands.csv"):
        path = project / "seeds" / name
        kept = [
            line
            for line in path.read_text().splitlines()
            if line.split(",")[0] not in ("banner", "chat", "order_status", "push", "rare_event")
        ]
        path.write_text("\n".join([*kept, ""]))
    assert check_project(project, seeds_only=True).having("error") == []


def test_writing_a_score_twice_leaves_the_same_rows(project: Path) -> None:
    weekly_cuts(project, strength=2.0)
    assert run("score").exit_code == 0
    tables = ("evidence_score_models", "evidence_score_bands")
    first = {table: rows(project, table) for table in tables}
    assert run("score").exit_code == 0
    assert {table: rows(project, table) for table in tables} == first
    assert len(first["evidence_score_models"]) == 8
    assert {row["score_kind"] for row in first["evidence_score_bands"]} == {"learned", "present"}


def test_a_score_that_is_no_better_is_not_written(project: Path) -> None:
    weekly_cuts(project, strength=2.0, manual="the same")
    before = (project / "seeds" / "lead_score_weights.csv").read_text()
    done = run("score", "--write")
    assert done.exit_code == 0
    assert "Nothing is written: The learned points do not rank visitors better" in done.stderr
    assert "Keep the points you have." in " ".join(done.stdout.split())
    assert (project / "seeds" / "lead_score_weights.csv").read_text() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("delete from marts.mart_score_snapshots", "No cut was followed for 14 days"),
        (
            "delete from marts.mart_score_snapshots where cut_date > date '2026-03-09'",
            "No cut was followed for 14 days",
        ),
        (
            "update marts.mart_score_snapshots set converted_count = 1",
            "4 conversions follow the last cut; a back-test needs 10.",
        ),
        (
            "update marts.mart_score_snapshots set converted_count = 2"
            " where cut_date < date '2026-05-04'",
            "conversions follow the cuts; a score needs 100.",
        ),
    ],
)
def test_too_few_data_are_refused_in_a_sentence(project: Path, change: str, words: str) -> None:
    weekly_cuts(project, strength=1.0)
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(change)
    done = run("score", "--write")
    assert done.exit_code == 0
    assert words in " ".join(done.stdout.split())
    assert "Nothing is written" in done.stderr
    assert rows(project, "evidence_score_models") == []


def test_the_test_never_saw_the_training(project: Path) -> None:
    """Weeks that overlap the test's cut with their outcome are in neither."""
    weekly_cuts(project, strength=1.0)
    [model, *_] = json.loads(run("score", "--format", "json").stdout)["evidence_score_models"]
    assert model["test_cut_date"] == "2026-05-04"
    assert model["train_until"] == "2026-04-20"


def test_formats_of_a_score(project: Path) -> None:
    weekly_cuts(project, strength=2.0)
    read = list(csv.DictReader(io.StringIO(run("score", "--format", "csv").stdout)))
    assert len(read) == 8
    assert {row["micro_label"] for row in read if row["micro_name"] == "banner"} == {
        "'=Banner [seen]"
    }
