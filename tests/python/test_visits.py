"""What visits contain, how long the way to a macro-conversion is, and what comes of returns."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from causal_words import FORBIDDEN
from funnel_case import assert_same
from microconv.evidence.proportions import wilson
from microconv.evidence.ratios import mover_risk_ratio
from project_run import PROJECT, Warehouse
from visit_case import (
    DAY,
    HORIZON_DAYS,
    MACROS,
    MARTS,
    random_visits,
    visit_warehouse,
)
from visit_reference import (
    Person,
    Segment,
    people_of,
    return_counts,
    segments_of,
    visit_contents,
)

MINIMUM = 30


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return visit_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def people() -> dict[str, Person]:
    return people_of(random_visits(seed=17))


@pytest.fixture(scope="module")
def segments(people: dict[str, Person]) -> dict[str, list[Segment]]:
    return segments_of(people)


def assert_rate(row: dict[str, Any], name: str, successes: int, trials: int) -> bool:
    """Compares a rate and its limits with the reference; returns whether it is shown."""
    found = [row[f"{name}{end}"] for end in ("", "_low", "_high")]
    if trials < MINIMUM:
        assert found == [None, None, None], (name, row)
        return False
    wanted = wilson(successes, trials)
    assert found == pytest.approx([wanted.value, wanted.low, wanted.high], abs=1e-9), (name, row)
    return True


def test_visits_contain_what_they_contain(warehouse: Warehouse, people: dict[str, Person]) -> None:
    rows = warehouse.records("select * from mart_visit_contents")
    wanted = visit_contents(people)
    found = {
        (row["macro_name"], row["visit_role"], row["visit_index"], row["micro_name"]): row
        for row in rows
        if row["micro_name"] in {key[-1] for key in wanted}
    }
    assert set(found) == set(wanted)
    unknown = sum(
        bool(one.visits) and not one.is_known_from_the_beginning for one in people.values()
    )
    assert unknown > 50
    shown: Counter[str] = Counter()
    for key, (visits, with_micro) in wanted.items():
        row = found[key]
        assert (row["session_count"], row["session_with_micro_count"]) == (visits, with_micro), key
        assert row["unknown_beginning_count"] == unknown
        assert row["visit_label"] == ("5+" if key[2] == 5 else str(key[2]))
        shown[key[1]] += assert_rate(row, "micro_rate", with_micro, visits)
    assert min(shown[role] for role in ("before", "converting", "without")) >= 10, shown
    never = [row for row in rows if row["micro_name"] not in {key[-1] for key in wanted}]
    assert never and not any(row["session_with_micro_count"] for row in never)


@pytest.mark.parametrize("macro", MACROS)
def test_returns_equal_the_reference(
    warehouse: Warehouse, people: dict[str, Person], segments: dict[str, list[Segment]], macro: str
) -> None:
    wanted = return_counts(people, segments, macro)
    rows = warehouse.records(f"select * from mart_return_visits where macro_name = '{macro}'")
    assert_same(
        [(row["segment_dimension"], row["segment_value"]) for row in rows], set(wanted), "segments"
    )
    ratios = 0
    for row in rows:
        counts = wanted[row["segment_dimension"], row["segment_value"]]
        for name in (name for name in row if name.endswith("_count")):
            assert row[name] == counts[name], (name, row)
        assert_rate(row, "return_rate", row["returned_count"], row["visitor_count"])
        groups = []
        for group in ("returned", "not_returned"):
            groups += [row[f"{group}_converted_count"], row[f"{group}_base_count"]]
            assert_rate(row, f"{group}_conversion_rate", *groups[-2:])
        found = [row[f"conversion_ratio{end}"] for end in ("", "_low", "_high")]
        if min(groups[1], groups[3]) < MINIMUM or groups[2] == 0:
            assert found == [None, None, None], row
        else:
            ratio = mover_risk_ratio(*groups)
            assert found == pytest.approx([ratio.value, ratio.low, ratio.high], rel=1e-9), row
            ratios += 1
    assert ratios >= 3
    assert {"first_touch_source", "first_touch_channel_group"} <= {name for name, _ in wanted}
    assert ("first_touch_source", "(other)") in wanted


def test_the_ratio_of_rates_is_the_published_one(warehouse: Warehouse) -> None:
    """Perondi 2004, 7 of 34 against 1 of 34: 7.0 (1.1537, 41.9763) by MOVER-R."""
    query = (
        "with counted as (select 7 as a, 34 as b, 1 as c union all select 0, 34, 3 union all"
        " select 34, 34, 34 union all select 3, 34, 0), rated as (select *,"
        " {{ rate_columns('a', 'b', 'one') }}, {{ rate_columns('c', 'b', 'two') }} from counted)"
        " select {{ ratio_columns('one', 'two', 'ratio') }} from rated order by a, c"
    )
    output = warehouse.dbt("--quiet", "show", "--output", "json", "--inline", query)
    text = output.must_succeed().output
    rows = json.loads(text[text.index("{") : text.rindex("}") + 1])["show"]
    found = [[row[f"ratio{end}"] for end in ("", "_low", "_high")] for row in rows]
    assert found[2] == pytest.approx([7.0, 1.1537, 41.9763], abs=5e-5)
    assert found[1] == [None, None, None]
    for row, counts in ((found[0], (0, 34, 3, 34)), (found[3], (34, 34, 34, 34))):
        ratio = mover_risk_ratio(*counts)
        assert row == pytest.approx([ratio.value, ratio.low, ratio.high], abs=1e-9)


def test_the_histories_meet_the_limits(people: dict[str, Person]) -> None:
    """Returns and conversions exactly at the end of a window, and a microsecond after it."""
    week, horizon = 7 * DAY, (7 + HORIZON_DAYS) * DAY
    returns, conversions = set(), set()
    for person in people.values():
        if person.is_known_from_the_beginning:
            start = person.visits[0].start
            returns |= {visit.start - start for visit in person.visits[1:2]}
            firsts = [person.first(macro) for macro in MACROS]
            conversions |= {one.micros - start for one in firsts if one is not None}
    assert {week - 1, week, week + 1} <= returns
    assert {-1, 0, week, week + 1, horizon, horizon + 1} <= conversions


def test_no_mart_of_visits_says_what_brings_about_what() -> None:
    for mart in MARTS:
        text = (PROJECT / "models" / "marts" / f"{mart}.yml").read_text()
        assert not FORBIDDEN.search(text), (mart, FORBIDDEN.search(text))
    page = (PROJECT / "docs" / "visits_and_stages.md").read_text()
    assert not FORBIDDEN.search(page), FORBIDDEN.search(page)
