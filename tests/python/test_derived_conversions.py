"""Derived conversions are those of an obvious reading of the list, on random histories in bulk."""

from __future__ import annotations

from collections import defaultdict

import pytest
from derived_case import (
    AS_OF,
    REQUIREMENTS,
    RULES,
    DerivedCase,
    Found,
    derived_case,
    expected_of,
)
from derived_reference import counted, derive

DERIVED = sorted({row.conversion_name for row in REQUIREMENTS})


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> DerivedCase:
    return derived_case(tmp_path_factory)


@pytest.fixture(scope="module")
def expected(case: DerivedCase) -> dict[str, Found]:
    by_name: dict[str, Found] = defaultdict(set)
    for one in expected_of(case.visitors):
        by_name[one[1].rpartition("/")[2]].add(one)
    return by_name


@pytest.fixture(scope="module")
def found(case: DerivedCase) -> dict[str, Found]:
    rows = case.warehouse.rows(
        "select visitor_id, conversion_event_id, completed_timestamp, completed_date"
        " from int_conversions_derived"
    )
    assert len(rows) == len(set(rows))
    by_name: dict[str, Found] = defaultdict(set)
    for one in rows:
        by_name[one[1].rpartition("/")[2]].add(one)
    return by_name


@pytest.mark.parametrize("name", DERIVED)
def test_histories_complete_it_for_some_and_not_for_others(
    case: DerivedCase, expected: dict[str, Found], name: str
) -> None:
    completing = {visitor for visitor, *_ in expected[name]}
    assert 30 <= len(completing) <= len(case.visitors) - 100, len(completing)


@pytest.mark.parametrize("name", DERIVED)
def test_derived_conversions_equal_the_reference(
    expected: dict[str, Found], found: dict[str, Found], name: str
) -> None:
    extra = sorted(found[name] - expected[name])[:3]
    missing = sorted(expected[name] - found[name])[:3]
    assert not extra and not missing, f"unexpected {extra}, missing {missing}"


def test_what_completes_by_time_is_not_known_before(
    case: DerivedCase, expected: dict[str, Found]
) -> None:
    everything = set[tuple[str, str, int]]().union(
        *({one[:3] for one in all_} for all_ in expected.values())
    )
    known = {one for one in everything if one[2] < AS_OF}
    assert 100 < len(known) < len(everything) - 100
    names = "', '".join(DERIVED)
    rows = case.warehouse.rows(
        "select visitor_id, conversion_event_id, event_timestamp from int_conversions_counted"
        f" where conversion_name in ('{names}')"
    )
    assert len(rows) == len(set(rows)) and set(rows) == known


def test_derived_conversions_count_as_the_catalog_says(case: DerivedCase) -> None:
    wanted = set()
    for visitor in case.visitors:
        derived = derive(visitor.history, visitor.first_visit, RULES)
        kept = counted([one for one in derived if one.timestamp < AS_OF], RULES)
        times: dict[str, int] = defaultdict(int)
        for one in kept:
            times[one.name] += 1
            wanted.add((one.conversion_event_id, times[one.name]))
    names = "', '".join(DERIVED)
    rows = case.warehouse.rows(
        "select conversion_event_id, occurrence_number from int_conversions_counted"
        f" where is_counted and conversion_name in ('{names}')"
    )
    assert set(rows) == wanted and len(rows) == len(wanted)


def test_a_derived_conversion_has_the_columns_of_any_other(case: DerivedCase) -> None:
    """Those of the event that completed it; its moment, type and value are its own."""
    differing = case.warehouse.rows(
        """
        select derived.conversion_event_id
        from int_conversions_counted as derived
        inner join int_conversions_required as event on derived.event_id = event.event_id
        where contains(derived.conversion_event_id, '/thrice')
            and (
                derived.session_id is distinct from event.session_id
                or derived.page_path is distinct from event.page_path
                or derived.session_number is distinct from event.session_number
                or derived.engaged_seconds_on_page is distinct from event.engaged_seconds_on_page
                or derived.event_name is distinct from event.event_name
                or derived.event_timestamp <> event.event_timestamp
                or derived.value_usd is distinct from
                    case when derived.conversion_name = 'thrice' then 2.5 end
            )
        """
    )
    assert differing == []
    types = case.warehouse.rows(
        "select distinct conversion_name, conversion_type from int_conversions_counted"
        " where conversion_name in ('both', 'thrice')"
    )
    assert sorted(types) == [("both", "macro"), ("thrice", "micro")]


def test_hits_without_a_visitor_derive_nothing(case: DerivedCase) -> None:
    names = "', '".join(DERIVED)
    nobody, derived = case.warehouse.rows(
        "select count(*) from int_conversions_counted where visitor_id is null"
        " union all"
        " select count(*) from int_conversions_counted"
        f" where visitor_id is null and conversion_name in ('{names}')"
    )
    assert nobody[0] > 100 and derived[0] == 0
