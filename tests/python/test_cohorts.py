"""`microconv cohorts` over planted cohorts: what is said, what is refused, what is written."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from causal_words import FORBIDDEN
from evidence_warehouse import (
    LABELS,
    catalog_of,
    copy_to_work_in,
    longest_line,
    make_project_of,
    plain_basis,
    rows,
    run,
)
from microconv.evidence.proportions import newcombe
from project_run import shared_folder

MONDAY = date(2026, 8, 3)
WEEKS = 12
AS_OF = MONDAY + timedelta(days=7 * WEEKS - 1)  # the Sunday of the last week
COMPLETE = 9  # 1 day and 14 days after its Sunday
TABLE = "evidence_cohorts"
NUMBERS = ("visitor_count", "converted_count", "retained_count", "revenue_usd")


def visitors(seed: int = 5, count: int = 24_000) -> dict[str, Any]:
    """Who did what and what followed. The banner runs where people buy more; the guide goes with
    1.8 times the purchases of visitors alike; nobody much chats.
    """
    random = np.random.default_rng(seed)
    found: dict[str, Any] = {
        "week": random.integers(0, WEEKS, count),
        "device": random.integers(0, 2, count),
        "channel": random.integers(0, 3, count),
        "bucket": random.integers(0, 20, count),
        "early": random.random(count) < 0.03,
    }
    often = np.array([0.1, 0.3, 0.6])[found["channel"]]
    found["banner"] = random.random(count) < often
    found["view_size_guide"] = random.random(count) < 0.25
    found["chat"] = random.random(count) < 0.001
    risk = np.array([0.03, 0.06, 0.12])[found["channel"]]
    risk = risk * np.where(found["view_size_guide"], 1.8, 1.0)
    found["converted"] = (random.random(count) < risk) & ~found["early"]
    found["retained"] = random.random(count) < 0.2
    found["revenue"] = np.round(random.lognormal(3.5, 0.5, count), 2) * found["converted"]
    return found


def sides(people: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    """Kind, name, side, and who is on it."""
    everybody = np.ones(len(people["week"]), dtype=bool)
    found: list[tuple[str, str, str, Any]] = [("all", "(all)", "all", everybody)]
    micros = ("banner", "chat", "view_size_guide")
    done = sum(people[name].astype(int) for name in micros)
    found += [
        ("activation", "(activated)", "with", done > 0),
        ("activation", "(activated)", "without", done == 0),
        ("number", "(3 or more)", "with", done >= 3),
        ("number", "(3 or more)", "without", done == 1),
    ]
    for name in micros:
        found.append(("micro_conversion", name, "with", people[name]))
        found.append(("micro_conversion", name, "without", ~people[name]))
    return found


def cohort_rows(people: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of mart_cohorts at 7 and 14 days; outcomes are the same at both."""
    found = []
    for kind, name, side, who in sides(people):
        for week in range(WEEKS):
            here = who & (people["week"] == week)
            base = here & ~people["early"]
            for age in (7, 14):
                start = MONDAY + timedelta(days=7 * week)
                complete = start + timedelta(days=6 + 1 + age)
                revenue = people["revenue"][base]
                outcomes = {
                    "converted_count": int(people["converted"][base].sum()),
                    "retained_count": int(people["retained"][base].sum()),
                    "revenue_usd": float(revenue.sum()),
                    "revenue_usd_squared": float(revenue @ revenue),
                }
                found.append(
                    {
                        "macro_name": "purchase",
                        "cohort_week": start,
                        "behaviour_kind": kind,
                        "behaviour_name": name,
                        "behaviour_group": side,
                        "age_days": age,
                        "complete_date": complete,
                        "is_complete": complete <= AS_OF,
                        "visitor_count": int(base.sum()),
                        "early_visitor_count": int((here & people["early"]).sum()),
                    }
                    | (outcomes if complete <= AS_OF else dict.fromkeys(outcomes))
                )
    return found


def stratum_rows(people: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of mart_cohort_strata: complete weeks only."""
    found = []
    place = np.column_stack([people[name] for name in ("week", "device", "channel", "bucket")])
    known = ~people["early"] & (people["week"] < COMPLETE)
    for kind, name, side, who in sides(people):
        if kind == "all":
            continue
        chosen = who & known
        keys, which = np.unique(place[chosen], axis=0, return_inverse=True)
        sums = [
            np.bincount(which.reshape(-1), people[one][chosen].astype(float), len(keys))
            for one in ("converted", "retained", "revenue")
        ]
        counts = np.bincount(which.reshape(-1), minlength=len(keys))
        for row, (week, device, channel, bucket) in enumerate(keys.tolist()):
            found.append(
                {
                    "macro_name": "purchase",
                    "behaviour_name": name,
                    "behaviour_group": side,
                    "cohort_week": MONDAY + timedelta(days=7 * week),
                    "device_category": ("desktop", "mobile")[device],
                    "channel_group": ("Direct", "Email", "Paid Search")[channel],
                    "bucket": bucket,
                    **dict(
                        zip(NUMBERS, [int(counts[row]), *(one[row] for one in sums)], strict=True)
                    ),
                }
            )
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def fill(folder: Path) -> None:
        people = visitors()
        make_project_of(
            folder,
            {
                "dim_conversions": catalog_of(["banner", "chat", "view_size_guide"]),
                "mart_evidence_checks": [plain_basis(AS_OF)],
                "mart_cohorts": cohort_rows(people),
                "mart_cohort_strata": stratum_rows(people),
            },
        )

    return shared_folder(tmp_path_factory, "cohort_shop", fill)


@pytest.fixture
def project(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copy_to_work_in(shop, tmp_path / "shop", monkeypatch)


def found_rows(*arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = run("cohorts", "--format", "json", *arguments)
    assert done.exit_code == 0, done.output
    return {(row["behaviour_name"], row["outcome"]): row for row in json.loads(done.stdout)[TABLE]}


def test_like_for_like_keeps_the_guide_and_drops_the_banner(project: Path) -> None:
    found = found_rows()
    guide, banner = (found[name, "conversion"] for name in ("view_size_guide", "banner"))
    assert guide["standing"] == "higher" and guide["standardised_q_value"] < 0.05
    assert guide["standardised_lift_low"] < 1.8 < guide["standardised_lift_high"]
    # The channel alone makes visitors with the banner buy more often.
    assert banner["lift_low"] > 1.2 and banner["rate_difference_low"] > 0
    assert banner["standing"] == "not clear"
    assert banner["standardised_lift_low"] < 1 < banner["standardised_lift_high"]
    assert banner["standardised_overlap"] > 0.95
    gained = guide["standardised_revenue_difference_usd"]
    assert guide["standardised_revenue_difference_usd_low"] < gained
    assert guide["revenue_difference_usd_low"] < guide["revenue_difference_usd"]
    # Nothing goes with coming back.
    assert {row["standing"] for key, row in found.items() if key[1] == "return"} <= {
        "not clear",
        "refused",
    }


def test_numbers_are_those_of_complete_weeks(project: Path) -> None:
    people = visitors()
    row = found_rows()["view_size_guide", "conversion"]
    known = (people["week"] < COMPLETE) & ~people["early"]
    counts = []
    for did, side in ((people["view_size_guide"], "with"), (~people["view_size_guide"], "without")):
        x, n = int((people["converted"] & did & known).sum()), int((did & known).sum())
        assert (row[f"{side}_outcome_count"], row[f"{side}_visitor_count"]) == (x, n)
        early = people["early"] & did & (people["week"] < COMPLETE)
        assert row[f"{side}_early_count"] == early.sum() > 0
        counts += [x, n]
    difference = newcombe(*counts)
    assert row["rate_difference_low"] == pytest.approx(difference.low)
    assert row["rate_difference_high"] == pytest.approx(difference.high)
    assert row["cohort_week_count"] == COMPLETE


def test_few_visitors_are_refused_without_a_number(project: Path) -> None:
    row = found_rows()["chat", "conversion"]
    assert row["standing"] == "refused"
    assert row["sentence"] == "Fewer than 100 visitors with it have been watched so long."
    numbers = [name for name in row if name.endswith(("_low", "_high", "_rate", "lift", "_usd"))]
    assert len(numbers) > 15 and not any(row[name] is not None for name in numbers)
    done = run("cohorts")
    assert "Not compared by conversion: 3 or more of them, against 1, Chat." in plain(done.stdout)


def test_what_is_shown_for_people(project: Path) -> None:
    done = run("cohorts")
    assert done.exit_code == 0, done.output
    text = plain(done.stdout)
    assert longest_line(done.stdout) <= 120
    assert "New visitors by first week: Purchase within 14 days of the landmark" in text
    # The last three weeks are blank, each with the day on which they will not be.
    for week in range(COMPLETE, WEEKS):
        day = MONDAY + timedelta(days=7 * week + 6 + 15)
        assert f"complete on {day:%Y-%m-%d}" in text
    assert text.count("complete on") == WEEKS - COMPLETE
    # Money where a week has 50 orders, with its interval.
    assert len(re.findall(r"\d\.\d\d \[\d\.\d\d, \d\.\d\d\]", text)) == COMPLETE
    assert "visitors who opened the size guide within 24 hours of their first page bought" in text
    assert "Clear of chance, also among 3 comparisons" in text
    assert "whoever does more early on may have come for more" in text
    assert not FORBIDDEN.search(text) and not re.search(r"\b(nan|inf)\b", text)


def test_one_behaviour_is_shown_but_the_family_stays_whole(project: Path) -> None:
    whole = found_rows()
    one = found_rows("--behaviour", "activated")
    assert set(one) == {("(activated)", "conversion"), ("(activated)", "return")}
    assert all(row == whole[key] for key, row in one.items())
    assert len(rows(project, TABLE)) == len(whole) == 10
    text = plain(run("cohorts", "--behaviour", "banner").stdout)
    assert "Not clear of chance among 3 comparisons" in text and "size guide" not in text
    wrong = run("cohorts", "--behaviour", "dance")
    assert wrong.exit_code != 0 and "3 or more, activated, banner" in wrong.output


def test_writing_twice_leaves_the_same_rows(project: Path) -> None:
    assert run("cohorts", "--no-write").exit_code == 0
    with pytest.raises(duckdb.CatalogException):
        rows(project, TABLE)
    assert run("cohorts").exit_code == 0
    first = rows(project, TABLE)
    assert run("cohorts", "--macro", "purchase").exit_code == 0
    assert rows(project, TABLE) == first and len(first) == 10
    assert {row["as_of_date"] for row in first} == {AS_OF}


def test_csv_holds_every_column(project: Path) -> None:
    read = list(csv.DictReader(io.StringIO(run("cohorts", "--format", "csv").stdout)))
    assert len(read) == 10
    assert {row["behaviour_label"] for row in read if row["behaviour_name"] == "banner"} == {
        f"'{LABELS['banner']}"
    }


def test_nothing_complete_is_said_so(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_cohorts set is_complete = false, converted_count = null,"
            " retained_count = null, revenue_usd = null, revenue_usd_squared = null,"
            " complete_date = date '2027-01-01'"
        )
        connection.execute("delete from marts.mart_cohort_strata")
    done = run("cohorts")
    assert done.exit_code == 0, done.output
    assert "No first week was followed for 14 days yet." in plain(done.stdout)
    assert rows(project, TABLE) == []


def test_money_needs_orders_enough(project: Path) -> None:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute(
            "update marts.mart_cohorts set converted_count = 4 where behaviour_group = 'without'"
        )
    row = found_rows()["view_size_guide", "conversion"]
    assert row["standing"] == "higher" and row["revenue_difference_usd"] is None


def plain(text: str) -> str:
    return " ".join(text.split())
