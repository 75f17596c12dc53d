"""`microconv experiments`: 40 planted experiments go through the command, and what is refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from causal_words import FORBIDDEN
from evidence_warehouse import longest_line, make_project_of, rows, run, work_in
from microconv.deciding import Experiment, validate
from microconv.deciding.experiments import Arm
from scipy.stats import chisquare
from statsmodels.stats.proportion import proportions_ztest
from test_deciding_validation import experiments as planted_experiments

AS_OF = dt.date(2026, 11, 8)
Row = dict[str, Any]


def mart_row(
    name: str,
    variant: str,
    macro: str,
    measure: str,
    arm: Arm,
    *,
    last: dt.date = dt.date(2026, 9, 30),
    **more: Any,
) -> Row:
    """A row of mart_experiments."""
    is_macro = macro == measure
    done = arm.macro if is_macro else arm.micro
    row: Row = {
        "experiment_name": name,
        "variant_name": variant,
        "macro_name": macro,
        "conversion_name": measure,
        "conversion_type": "macro" if is_macro else "micro",
        "is_control": variant == "control",
        "planned_weight": 1.0,
        "variant_count": 2,
        "exposed_count": int(arm.visitors),
        "followed_count": int(arm.visitors),
        "immature_count": 0,
        "switched_count": 0,
        "excluded_count": 0,
        "consentless_exposure_count": 0,
        "first_exposure_date": last - dt.timedelta(days=27),
        "last_exposure_date": last,
        "converted_count": int(done),
        "eligible_count": int(done),
        "joint_count": int(done if is_macro else arm.both),
        "revenue_usd": 60.0 * done if is_macro else None,
        "revenue_usd_squared": 5000.0 * done if is_macro else None,
        "horizon_days": 14,
        "as_of_date": AS_OF,
        "definitions_version": "v1",
    }
    return row | more


def rows_of(tests: Sequence[Experiment], macro: str, micro: str, **more: Any) -> list[Row]:
    """The mart of these experiments."""
    return [
        mart_row(one.name, variant, macro, measure, arm, **more)
        for one in tests
        for variant, arm in (("control", one.control), ("new", one.treated))
        for measure in (macro, micro)
    ]


def project_of(
    folder: Path, mart: list[Row], patch: pytest.MonkeyPatch, rejections: list[Row] | None = None
) -> Path:
    """A project with these experiments, of as many macros as they are about."""
    macros = sorted({row["macro_name"] for row in mart}) or ["purchase"]
    micros = sorted({row["conversion_name"] for row in mart} - set(macros)) or ["add_to_cart"]
    catalog = [
        {
            "conversion_name": name,
            "label": f"Did {name}",
            "conversion_type": kind,
            "stage_number": 5 if kind == "macro" else 4,
            "lead_points": 0.0,
        }
        for kind, names in (("macro", macros), ("micro", micros))
        for name in names
    ]
    example = mart_row("x", "y", "purchase", "purchase", Arm(1, 1, 1, 1))
    none = {"source_name": "", "event_name": "", "rejection_reason": "", "event_count": 0}
    folder.mkdir(exist_ok=True)
    tables = {
        "dim_conversions": catalog,
        "mart_experiments": mart or [example],
        "mart_experiment_rejections": rejections or [none],
        "mart_evidence_checks": [{"macro_name": name} for name in macros],
    }
    make_project_of(folder, tables)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        if not mart:
            connection.execute("delete from marts.mart_experiments")
        if not rejections:
            connection.execute("delete from marts.mart_experiment_rejections")
    work_in(folder, patch)
    return folder


def found_by(*arguments: str) -> dict[str, Any]:
    done = run("experiments", "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ---- 40 experiments ------------------------------------------------------------------------------


def worlds(
    folder: Path,
    patch: pytest.MonkeyPatch,
    runs: int,
    count: int,
    spread: float,
    correlation: float,
    per_arm: int,
) -> list[Row]:
    """Verdicts of so many worlds of experiments: each a macro-conversion of its own."""
    random = np.random.default_rng(20_261_123)
    mart: list[Row] = []
    for world in range(runs):
        tests = planted_experiments(random, count, spread, correlation, per_arm)
        named = [Experiment(f"{world}/{one.name}", one.control, one.treated) for one in tests]
        mart += rows_of(named, f"goal_{world}", f"micro_{world}")
    project_of(folder, mart, patch)
    found = found_by("--next-per-arm", "20000")["evidence_proxy_validations"]
    assert len(found) == runs
    assert {one["experiment_count"] for one in found} == {count}
    return list(found)


def validated(found: list[Row]) -> float:
    return sum(one["validity"] == "validated" for one in found) / len(found)


def test_40_experiments_without_any_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = worlds(tmp_path, monkeypatch, 20, 40, 0.0, 0.0, 20_000)
    assert validated(found) <= 0.05
    # What everybody computes says the contrary.
    assert np.mean([one["measured_correlation"] for one in found]) > 0.3
    assert {one["macro_lift_for_micro_lift_of_a_tenth"] for one in found} == {None}
    # Of 2 × 800 comparisons without any difference few look like one: q keeps their share.
    outcomes = [row["outcome"] for row in rows(tmp_path, "evidence_experiments")]
    assert len(outcomes) == 1600
    assert sum(one in ("higher", "lower") for one in outcomes) / 1600 <= 0.07
    p_values = [row["p_value"] for row in rows(tmp_path, "evidence_experiments")]
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.07


def test_40_experiments_whose_true_lifts_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = worlds(tmp_path, monkeypatch, 10, 40, 0.15, 0.98, 100_000)
    assert validated(found) >= 0.9
    tenth = [
        one["macro_lift_for_micro_lift_of_a_tenth"]
        for one in found
        if one["validity"] == "validated"
    ]
    assert np.median(tenth) == pytest.approx(0.10, abs=0.02)


def test_40_experiments_whose_true_lifts_are_unrelated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = worlds(tmp_path, monkeypatch, 10, 40, 0.15, 0.0, 20_000)
    assert validated(found) <= 0.1


@pytest.mark.long
def test_experiments_at_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a perfect 5 % test with so many worlds, and the power of 100 experiments."""
    for place, (spread, correlation) in enumerate(((0.0, 0.0), (0.15, 0.0), (0.15, -0.5))):
        folder = tmp_path / str(place)
        assert validated(worlds(folder, monkeypatch, 100, 40, spread, correlation, 20_000)) <= 0.05
    found = worlds(tmp_path / "true", monkeypatch, 40, 100, 0.15, 0.98, 100_000)
    assert validated(found) >= 0.95


# ---- one experiment ------------------------------------------------------------------------------

CONTROL, BETTER = Arm(20_000, 2000, 500, 400), Arm(20_100, 2500, 640, 520)


def test_a_difference_is_what_two_proportions_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = [Experiment("colour", CONTROL, BETTER)]
    project_of(tmp_path, rows_of(tests, "purchase", "cart"), monkeypatch)
    macro, micro = found_by()["evidence_experiments"]
    assert (macro["conversion_name"], micro["conversion_name"]) == ("purchase", "cart")
    for row, done in ((macro, (640, 500)), (micro, (2500, 2000))):
        _, wanted = proportions_ztest(done, (20_100, 20_000))
        assert row["p_value"] == pytest.approx(wanted)
        assert row["q_value"] == pytest.approx(wanted)
        assert row["lift"] == pytest.approx(done[0] / 20_100 / (done[1] / 20_000))
        assert row["lift_low"] < row["lift"] < row["lift_high"]
        assert row["outcome"] == "higher"
    assert macro["guardrail_allows"] is True
    assert macro["revenue_per_visitor_usd"] == pytest.approx(60 * 640 / 20_100)
    # 20,000 × (mean of squares less square of mean) of each arm.
    errors = [5000 * k / n - (60 * k / n) ** 2 for k, n in ((640, 20_100), (500, 20_000))]
    reach = 1.959964 * (errors[0] / 20_100 + errors[1] / 20_000) ** 0.5
    assert macro["revenue_difference_usd_high"] == pytest.approx(
        macro["revenue_difference_usd"] + reach, rel=1e-6
    )
    assert micro["guardrail_allows"] is None
    printed = run("experiments", "--no-write")
    text = " ".join(printed.stdout.split())
    assert "“Did purchase” was more frequent with new: 3.18 % against 2.50 %, 1.27×" in text
    assert "1 past experiments can be used" in text
    assert longest_line(printed.stdout) <= 120


@pytest.mark.parametrize(
    ("done", "share"), [((24_000, 7760, 6000), 1.0), ((20_000, 8160, 6000), 0.0)]
)
def test_what_goes_through_the_micro_is_an_association(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    done: tuple[int, int, int],
    share: float,
) -> None:
    """Identities: only the number of micros moved, then only what visitors alike in them did."""
    tests = [Experiment("menu", Arm(200_000, 20_000, 6800, 5000), Arm(200_000, *done))]
    project_of(tmp_path, rows_of(tests, "purchase", "cart"), monkeypatch)
    macro, micro = found_by()["evidence_experiments"]
    assert macro["explained_share"] is None
    assert micro["explained_share"] == pytest.approx(share, abs=1e-9)
    assert micro["explained_share_low"] < share < micro["explained_share_high"]
    text = " ".join(run("experiments", "--no-write").stdout.split())
    assert f"{share:.0%} [" in text and "an association inside the arms" in text
    assert not FORBIDDEN.search(text)


def test_arms_of_wrong_sizes_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = [Experiment("broken", CONTROL, Arm(19_000, 2300, 600, 500))]
    project_of(tmp_path, rows_of(tests, "purchase", "cart"), monkeypatch)
    [row] = found_by()["evidence_experiments"]
    assert row["outcome"] == "not readable"
    assert row["lift"] is row["p_value"] is row["converted_count"] is None
    assert row["sample_ratio_p_value"] == pytest.approx(chisquare([20_000, 19_000]).pvalue)
    assert "no result of this experiment may be read" in row["sentence"]
    assert "broken is not read" in " ".join(run("experiments").stdout.split())


def test_planned_parts_are_what_sizes_are_held_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = [Experiment("tenth", CONTROL, Arm(2_200, 300, 80, 60))]
    mart = rows_of(tests, "purchase", "cart")
    for row in mart:
        row["planned_weight"] = 90.0 if row["is_control"] else 10.0
    project_of(tmp_path, mart, monkeypatch)
    macro, _ = found_by()["evidence_experiments"]
    assert macro["outcome"] != "not readable"
    assert macro["sample_ratio_p_value"] == pytest.approx(
        chisquare([20_000, 2_200], [22_200 * 0.9, 22_200 * 0.1]).pvalue
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"variant_count": 30}, "more variants were seen than are counted apart"),
        ({"is_control": False}, "nobody was seen in its control"),
        ({"planned_weight": None}, "a variant was seen that its plan leaves out"),
        ({"followed_count": 0}, "nobody was followed to the horizon yet"),
    ],
)
def test_what_cannot_be_compared_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Row, words: str
) -> None:
    tests = [Experiment("odd", CONTROL, BETTER)]
    project_of(tmp_path, rows_of(tests, "purchase", "cart", **change), monkeypatch)
    found = found_by()["evidence_experiments"]
    assert found and {row["outcome"] for row in found} == {"not readable"}
    assert all(words in row["sentence"] for row in found)
    assert run("experiments").exit_code == 0


def test_a_running_experiment_gets_no_verdict_before_its_planned_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = [Experiment("colour", CONTROL, BETTER)]
    mart = rows_of(tests, "purchase", "cart", last=AS_OF - dt.timedelta(days=1))
    project_of(tmp_path, mart, monkeypatch)
    early = found_by()["evidence_experiments"]
    assert {row["outcome"] for row in early} == {"too early"}
    assert {row["lift"] for row in early} == {None} == {row["p_value"] for row in early}
    assert early[0]["planned_per_arm"] > 20_000 and early[0]["weeks_left"] > 1
    assert early[0]["conversion_rate"] > 0
    text = " ".join(run("experiments").stdout.split())
    assert "The planned number of visitors is not reached" in text
    # A change of half is found with fewer.
    done = found_by("--mde", "50%")["evidence_experiments"]
    assert {row["outcome"] for row in done} == {"higher"}


def test_looking_often_asks_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    treated = Arm(20_000, 2000, 566, 420)  # z about 2.05
    project_of(
        tmp_path,
        rows_of([Experiment("colour", CONTROL, treated)], "purchase", "cart"),
        monkeypatch,
    )
    assert found_by()["evidence_experiments"][0]["outcome"] == "higher"
    often = found_by("--looks", "10")["evidence_experiments"][0]
    assert (often["outcome"], often["look_count"]) == ("no difference shown", 10)
    text = " ".join(run("experiments", "--looks", "10").stdout.split())
    assert "With 10 looks at 5 % each" in text


def test_few_conversions_give_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = [Experiment("small", Arm(150, 30, 9, 5), Arm(150, 40, 20, 9))]
    project_of(tmp_path, rows_of(tests, "purchase", "cart"), monkeypatch)
    macro, micro = found_by()["evidence_experiments"]
    assert (macro["outcome"], macro["lift"]) == ("too few", None)
    assert micro["outcome"] == "no difference shown"


def test_fewer_than_ten_past_experiments_get_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = planted_experiments(np.random.default_rng(7), 6, 0.15, 0.98, 20_000)
    project_of(tmp_path, rows_of(tests, "purchase", "cart"), monkeypatch)
    [row] = found_by()["evidence_proxy_validations"]
    assert row["validity"] == "too few experiments" and row["experiment_count"] == 6
    assert row["same_sign_share_low"] < row["same_sign_share"] <= row["same_sign_share_high"]
    assert row["true_correlation"] is row["slope"] is None


def test_a_running_experiment_and_one_with_wrong_arms_are_no_past_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = planted_experiments(np.random.default_rng(8), 12, 0.15, 0.9, 20_000)
    mart = rows_of(tests, "purchase", "cart")
    running = Experiment("running", CONTROL, BETTER)
    mart += rows_of([running], "purchase", "cart", last=AS_OF)
    mart += rows_of([Experiment("wrong", CONTROL, Arm(15_000, 1500, 400, 300))], "purchase", "cart")
    project_of(tmp_path, mart, monkeypatch)
    [row] = found_by("--next-per-arm", "20000")["evidence_proxy_validations"]
    assert (row["experiment_count"], row["left_out_count"]) == (12, 1)
    wanted = validate(tests, 20_000)
    assert row["measured_correlation"] == pytest.approx(wanted.naive_correlation)  # type: ignore[union-attr]


def test_what_is_written_is_written_once_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "x'); drop table y; --\x1b[31m"
    tests = planted_experiments(np.random.default_rng(9), 3, 0.15, 0.9, 20_000)
    tests.append(Experiment(hostile, CONTROL, BETTER))
    project_of(tmp_path, rows_of(tests, "purchase", "cart"), monkeypatch)
    assert run("experiments").exit_code == 0
    tables = ("evidence_experiments", "evidence_proxy_validations")
    first = {table: rows(tmp_path, table) for table in tables}
    # A narrower question prints less and leaves the tables whole.
    done = run("experiments", "--experiment", hostile)
    assert {table: rows(tmp_path, table) for table in tables} == first
    assert len(first["evidence_experiments"]) == 8
    assert hostile in {row["experiment_name"] for row in first["evidence_experiments"]}
    assert "\x1b" not in done.stdout and "test 0" not in done.stdout
    read = list(csv.DictReader(io.StringIO(run("experiments", "--format", "csv").stdout)))
    assert len(read) == 8


def test_nothing_and_what_cannot_be_read_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rejected = {
        "source_name": "ga4",
        "event_name": "experience_impression",
        "rejection_reason": "not_three_parts",
        "event_count": 1234,
    }
    project_of(tmp_path, [], monkeypatch, [rejected])
    done = run("experiments")
    text = " ".join(done.stdout.split())
    assert done.exit_code == 0
    assert "No exposure to an experiment was found" in text
    assert "1,234 experience_impression are not tool-experiment-variant" in text
    assert rows(tmp_path, "evidence_experiments") == []
    unknown = run("experiments", "--experiment", "nope")
    assert unknown.exit_code == 2 and "There is no experiment 'nope'" in unknown.stderr
    assert run("experiments", "--macro", "nope").exit_code == 2
    assert run("experiments", "--mde", "lots").exit_code == 2
