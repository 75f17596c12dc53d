"""Who has stalled at which moment, against a slow reading of random histories."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from moments_case import (
    AS_OF,
    CONVERSION_OF_EVENT,
    DAY,
    ONCE_PER_VISITOR,
    Visitor,
    all_moments,
    begins,
    ends,
    is_excluded,
    is_excluded_person,
    latest_visit,
    listed_moments,
    moments_warehouse,
    random_visitors,
    stands_at,
)
from project_run import Warehouse


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return moments_warehouse(tmp_path_factory)


@pytest.fixture(scope="module")
def visitors() -> list[Visitor]:
    return [one for one in random_visitors() if one.visitor_id is not None]


def expected(visitors: list[Visitor]) -> dict[tuple[str | None, str], dict[str, Any]]:
    found = {}
    listed = {one.name for one in listed_moments()}
    for visitor in visitors:
        if is_excluded_person(visitor):
            continue
        visit, has_consent, has_ads_consent = latest_visit(visitor)
        for moment in all_moments():
            started = stands_at(visitor, moment, AS_OF)
            if started is None or AS_OF - started < moment.stall:
                continue
            found[visitor.visitor_id, moment.name] = {
                "stalled_timestamp": started,
                "is_listed": moment.name in listed,
                "user_pseudo_id": visit.device if visit else None,
                "has_consent": has_consent,
                "has_ads_consent": has_ads_consent,
            }
    return found


def test_stalled_visitors_equal_the_reference(
    warehouse: Warehouse, visitors: list[Visitor]
) -> None:
    rows = warehouse.records(
        "select *, epoch_us(stalled_at) as stalled_timestamp from mart_stalled_visitors"
    )
    wanted = expected(visitors)
    names = list(next(iter(wanted.values())))
    found = {(row["visitor_id"], row["moment"]): {n: row[n] for n in names} for row in rows}
    assert len(found) == len(rows) > 400
    assert found == wanted
    for row in rows:
        assert row["days_stalled"] == pytest.approx((AS_OF - row["stalled_timestamp"]) / DAY)


def test_the_last_action_and_the_score_stand_beside_them(
    warehouse: Warehouse, visitors: list[Visitor]
) -> None:
    rows = warehouse.records(
        """
        select visitor_id, last_conversion_name, stalled.lead_score, scores.lead_score as score,
            stalled.score_decile, scores.score_decile as decile,
            epoch_us(stalled.last_activity_at) as last_micros
        from mart_stalled_visitors as stalled
        inner join mart_lead_scores as scores using (visitor_id)
        """
    )
    by_id = {one.visitor_id: one for one in visitors}
    assert rows
    for row in rows:
        visitor = by_id[row["visitor_id"]]
        shown = [
            one
            for one in visitor.events
            if one.name in CONVERSION_OF_EVENT and not is_excluded(visitor, one)
        ]
        last = max(one.micros for one in shown)
        names = {CONVERSION_OF_EVENT[one.name] for one in shown if one.micros == last}
        assert row["last_conversion_name"] in names
        assert (row["lead_score"], row["score_decile"]) == (row["score"], row["decile"])


def test_the_histories_hold_what_they_are_meant_to_hold(visitors: list[Visitor]) -> None:
    """Without this the comparison could pass on histories in which nothing happens."""
    seen: Counter[str] = Counter()
    for visitor in visitors:
        for moment in listed_moments():
            started = begins(visitor, moment, AS_OF)
            finished, is_for_good = ends(visitor, moment, AS_OF)
            if not started:
                continue
            last, since = max(started), AS_OF - max(started)
            stands = stands_at(visitor, moment, AS_OF) is not None
            is_open = not is_for_good and not any(one >= last for one in finished)
            for edge, span in (("stall", moment.stall), ("expiry", moment.expire)):
                for off in (-1, 0, 1):
                    seen[f"{edge} {off:+}"] += is_open and since == span + off
            seen["finished at the beginning"] += last in finished
            seen["finished before"] += stands and bool(finished)
            seen["finished for good before"] += is_for_good and all(one < last for one in finished)
            seen["order sent again"] += stands and any(
                one.micros >= last
                for one in visitor.events
                if CONVERSION_OF_EVENT.get(one.name) in moment.finished
            )
            seen["excluded person"] += stands and is_excluded_person(visitor)
            seen["no session"] += stands and latest_visit(visitor)[0] is None
            seen["no consent"] += stands and not latest_visit(visitor)[1]
            seen["no ads consent"] += stands and not latest_visit(visitor)[2]
            names = moment.started | moment.finished
            shown = [one for one in visitor.events if CONVERSION_OF_EVENT.get(one.name) in names]
            seen["in an excluded session"] += any(is_excluded(visitor, one) for one in shown)
    assert seen and min(seen.values()) >= 2, seen
    assert len(seen) == 15
    assert ONCE_PER_VISITOR


def test_every_micro_conversion_is_a_moment_and_the_list_goes_first(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select moment, conversion_name, role, stall_hours, is_listed from dim_audience_moments"
        " where moment in ('view_size_guide', 'search') order by all"
    )
    assert rows == [
        ("search", "purchase", "finished", 24.0, False),
        ("search", "search", "started", 24.0, False),
        ("view_size_guide", "add_to_cart", "finished", 1.0, True),
        ("view_size_guide", "view_size_guide", "started", 1.0, True),
    ]
