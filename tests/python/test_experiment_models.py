"""Exposures and experiments on random histories: every row as a slow reference counts it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
from experiment_case import (
    AS_OF,
    EXPERIMENTS,
    HORIZON,
    MACROS,
    MICROS,
    ODD_NAMES,
    REJECTED,
    VARS,
    Exposure,
    conversions_after,
    experiments_warehouse,
    exposures_of,
    random_visitors,
)
from project_run import Warehouse
from test_marts_reference import close, wilson

CONTROLS = {"VWO-12": "2", "tool-a name - with hyphens": "A", "button colour": "control"}

# Of the plan that leaves `green` out nothing is known of it.
WEIGHTS = {("VWO-12", "2"): 2.5, ("button colour", "green"): None}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return experiments_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def exposures() -> list[Exposure]:
    return [
        one for visitor in random_visitors() if visitor.visitor_id for one in exposures_of(visitor)
    ]


def test_every_visitor_is_exposed_once(warehouse: Warehouse, exposures: list[Exposure]) -> None:
    rows = warehouse.rows(
        "select experiment_name, variant_name, visitor_id, epoch_us(exposed_at), variant_count,"
        " exposure_count, is_comparable, exclusion_reason from fct_experiment_exposures"
        " where visitor_id <> 'odd'"
    )
    assert Counter(rows) == Counter(
        (
            one.experiment,
            one.variant,
            one.visitor.visitor_id,
            one.micros,
            len(one.variants),
            one.count,
            one.is_comparable,
            "internal_traffic" if one.is_excluded else None,
        )
        for one in exposures
    )
    assert {len(one.variants) for one in exposures} == {0, 1, 2, 3}
    # Variants of two devices that a log-in made one visitor's.
    switchers = [one for one in exposures if len(one.variants) > 1 and one.visitor.user_id]
    assert len(switchers) > 15


def test_what_names_no_experiment_is_counted_by_reason(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select rejection_reason, event_count from mart_experiment_rejections"
        " where source_name = 'ga4'"
    )
    assert dict(rows) == Counter(reason for _, reason in REJECTED)


def test_odd_names_are_names(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select experiment_name, variant_name from fct_experiment_exposures"
        " where visitor_id = 'odd'"
    )
    assert sorted(rows) == sorted((name, name) for name in ODD_NAMES)


def measured(exposures: list[Exposure]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Rows of the mart as the reference counts them."""
    arms: dict[tuple[str, str], list[Exposure]] = defaultdict(list)
    for one in exposures:
        arms[one.experiment, one.variant].append(one)
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for (experiment, variant), arm in arms.items():
        compared = [one for one in arm if one.is_comparable]
        followed = [one for one in compared if one.micros + HORIZON <= AS_OF]
        base = {
            "is_control": variant == CONTROLS[experiment],
            "planned_weight": WEIGHTS.get((experiment, variant), 1.0),
            "variant_count": len(EXPERIMENTS[experiment]),
            "exposed_count": len(compared),
            "followed_count": len(followed),
            "immature_count": len(compared) - len(followed),
            "switched_count": sum(len(one.variants) > 1 for one in arm),
            "excluded_count": sum(one.is_excluded for one in arm),
        }
        for macro in MACROS.values():
            for name in (macro, *MICROS.values()):
                found[experiment, variant, macro, name] = base | counts(followed, macro, name)
    return found


def counts(followed: list[Exposure], macro: str, name: str) -> dict[str, Any]:
    done = eligible = joint = 0
    revenue = squares = 0.0
    for one in followed:
        after = conversions_after(one)
        if name not in after:
            continue
        done += 1
        first = after[name][0].micros
        bought = after[macro][0].micros if macro in after else None
        if name == macro:
            eligible, joint = eligible + 1, joint + 1
            value = sum(each.value or 0.0 for each in after[macro])
            revenue, squares = revenue + value, squares + value**2
        else:
            eligible += bought is None or first < bought
            joint += bought is not None and first < bought
    return {
        "converted_count": done,
        "eligible_count": eligible,
        "joint_count": joint,
        "revenue_usd": revenue if name == macro else None,
        "revenue_usd_squared": squares if name == macro else None,
    }


def test_the_mart_equals_the_reference(warehouse: Warehouse, exposures: list[Exposure]) -> None:
    wanted = measured(exposures)
    names = [*MACROS.values(), *MICROS.values()]
    rows = warehouse.records("select * from mart_experiments")
    keys = ("experiment_name", "variant_name", "macro_name", "conversion_name")
    found = {
        tuple(row[key] for key in keys): row
        for row in rows
        if row["experiment_name"] in EXPERIMENTS and row["conversion_name"] in names
    }
    assert found.keys() == wanted.keys()
    shown = 0
    for key, numbers in wanted.items():
        row = found[key]
        for name, value in numbers.items():
            assert row[name] == value or close(row[name], value), (key, name)
        base, hits = numbers["followed_count"], numbers["converted_count"]
        if base >= VARS["minimum_group_size"]:
            shown += 1
            low, high = wilson(hits, base)
            assert close(row["conversion_rate"], hits / base)
            assert close(row["conversion_rate_low"], low)
            assert close(row["conversion_rate_high"], high)
        else:
            assert row["conversion_rate"] is None
    assert shown > 50
    assert any(0 < one["joint_count"] < one["eligible_count"] < one["converted_count"]
               for one in wanted.values())  # fmt: skip
    # Odd names have one visitor each and so no rate; of so many names the mart keeps a few.
    odd = [row for row in rows if row["experiment_name"] in ODD_NAMES]
    assert {row["conversion_rate"] for row in odd} == {None}
    assert len({row["experiment_name"] for row in rows}) == VARS["largest_experiments"]


def test_exposures_without_consent_are_nobodys_and_counted(warehouse: Warehouse) -> None:
    wanted: Counter[tuple[str, str]] = Counter()
    for visitor in random_visitors():
        if visitor.visitor_id is None:
            wanted[visitor.events[0].shown] += 1  # type: ignore[index]
    rows = warehouse.rows(
        "select distinct experiment_name, variant_name, consentless_exposure_count"
        " from mart_experiments where consentless_exposure_count > 0"
    )
    assert {(one, two): count for one, two, count in rows} == wanted


def test_the_edges_are_met(exposures: list[Exposure]) -> None:
    """Horizons that end with the last microsecond, and conversions at their end and beginning."""
    ends = Counter(one.micros + HORIZON - AS_OF for one in exposures if one.is_comparable)
    assert ends[0] and ends[1]
    offsets = Counter(
        event.micros - one.micros
        for one in exposures
        for event in one.visitor.events
        if event.shown is None
    )
    assert min(offsets[at] for at in (-1, 0, 1, HORIZON, HORIZON + 1)) > 5
