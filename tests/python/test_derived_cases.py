"""The derived conversions that teams ask for by name, each with a visitor on either side of it.

From raw rows to counted conversions: `in` is the visitor who did it, `out` the one who just missed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from derived_case import requirement_rows
from derived_reference import Requirement
from export_rows import Row, hit, purchase, write_export
from funnel_case import replace_rows
from project_run import Warehouse, shared_warehouse

DAY = date(2025, 5, 12)
LAST = DAY + timedelta(days=20)
SIGN_UP, NOON, WEEK = 9 * 3600, 12 * 3600, 7 * 86400

# name: event, field, operator, value, counting
BASE = {
    "page": ("page_view", "", "", "", "every_event"),
    "visit": ("page_view", "", "", "", "once_per_session"),
    "pricing": ("page_view", "page_path", "starts_with", "/pricing", "every_event"),
    "case_study": ("page_view", "page_path", "starts_with", "/case", "every_event"),
    "email_click": ("page_view", "param:medium", "equals", "email", "every_event"),
    "sign_up": ("sign_up", "", "", "", "once_per_visitor"),
    "trial_start": ("trial_start", "", "", "", "every_event"),
    "project": ("create_project", "", "", "", "every_event"),
    "invitation": ("invite_member", "", "", "", "every_event"),
    "feature": ("feature_used", "", "", "", "every_event"),
    "form": ("form_start", "", "", "", "every_event"),
    "form_sent": ("form_submit", "", "", "", "every_event"),
    "product": ("view_item", "", "", "", "every_event"),
    "cart": ("add_to_cart", "", "", "", "every_event"),
    "order": ("purchase", "", "", "", "every_event"),
}


@dataclasses.dataclass(frozen=True)
class Case:
    """Requirements, as rows without the conversion's name; the hits of either visitor."""

    rows: Sequence[str]
    did: Sequence[Row]
    did_not: Sequence[Row]


def at(seconds: float, name: str, *, session: int = 1, **more: Any) -> Row:
    """A hit so long after midnight of the first day."""
    days, rest = divmod(seconds, 86400)
    return hit(DAY + timedelta(days=days), rest, name, session=session, **more)


def page(seconds: float, path: str = "/", **more: Any) -> Row:
    return at(seconds, "page_view", page=path, **more)


def feature(seconds: float, name: str) -> Row:
    return at(seconds, "feature_used", params={"feature_name": name})


def engaged(seconds: float, msec: int, **params: object) -> Row:
    return at(seconds, "user_engagement", params={"engagement_time_msec": msec, **params})


def item(seconds: float, *ids: str) -> Row:
    return at(seconds, "view_item", items=[{"item_id": one} for one in ids])


def order(seconds: float, number: str) -> Row:
    days, rest = divmod(seconds, 86400)
    return purchase(DAY + timedelta(days=days), rest, number, 20.0, session=1)


CASES = {
    "three_pages_in_a_session": Case(
        ["page,3,,session,,done,,,"],
        [page(NOON), page(NOON + 1), page(NOON + 2)],
        [page(NOON), page(NOON + 1), page(NOON + 2, session=2)],
    ),
    "three_different_pages": Case(
        ["page,3,page_path,session,,done,,,"],
        [page(NOON, "/a"), page(NOON + 1, "/b"), page(NOON + 2, "/c")],
        [page(NOON, "/a"), page(NOON + 1, "/b"), page(NOON + 2, "/a")],
    ),
    "return_visit_within_7_days": Case(
        ["visit,2,,7 days,previous_conversion,done,,,"],
        [page(NOON), page(NOON + WEEK, session=2)],
        [page(NOON), page(NOON + WEEK + 1, session=2)],
    ),
    "three_features_in_the_first_week": Case(
        ["feature,3,param:feature_name,7 days,first_visit,done,,,"],
        [page(NOON), feature(NOON + 1, "a"), feature(NOON + 2, "b"), feature(NOON + WEEK, "c")],
        [
            *(page(NOON), feature(NOON + 1, "a"), feature(NOON + 2, "b"), feature(NOON + 3, "b")),
            feature(NOON + WEEK + 1, "c"),
        ],
    ),
    "activated": Case(
        ["project,1,,,,done,,,", "invitation,1,,,,done,,,"],
        [at(NOON, "invite_member"), at(NOON + WEEK, "create_project", session=2)],
        [at(NOON, "create_project"), at(NOON + 1, "create_project")],
    ),
    "activated_within_24_hours": Case(
        ["activated,1,,24 hours,sign_up,done,,,"],
        [
            *(at(SIGN_UP, "sign_up"), at(SIGN_UP + 1, "create_project")),
            at(SIGN_UP + 86400, "invite_member"),
        ],
        [
            *(at(SIGN_UP, "sign_up"), at(SIGN_UP + 1, "create_project")),
            at(SIGN_UP + 86401, "invite_member"),
        ],
    ),
    "three_features_in_the_trial": Case(
        ["feature,3,param:feature_name,14 days,trial_start,done,,,"],
        [at(NOON, "trial_start"), *(feature(NOON + number, f"f{number}") for number in range(3))],
        [feature(NOON - 1, "f0"), at(NOON, "trial_start"), feature(NOON, "f1"), feature(NOON, "2")],
    ),
    "three_email_clicks": Case(
        ["email_click,3,,,,done,,,"],
        [page(NOON + number, params={"medium": "email"}, session=number) for number in range(3)],
        [page(NOON, params={"medium": "email"}), page(NOON + 1), page(NOON + 2)],
    ),
    "form_started_not_submitted": Case(
        ["form,1,,session,form,done,,,", "form_sent,1,,session,form,not_done,,,"],
        [at(NOON, "form_start"), at(NOON + 1, "form_submit"), at(NOON + 2, "form_start")],
        [at(NOON, "form_start"), at(NOON + 900, "form_submit")],
    ),
    "form_left_for_half_an_hour": Case(
        ["form,1,,30 minutes,form,done,,,", "form_sent,1,,30 minutes,form,not_done,,,"],
        [at(NOON, "form_start"), at(NOON + 1801, "form_submit")],
        [at(NOON, "form_start"), at(NOON + 900, "form_start"), at(NOON + 2700, "form_submit")],
    ),
    "pricing_seen_not_converted": Case(
        ["pricing,1,,7 days,pricing,done,,,", "order,1,,7 days,pricing,not_done,,,"],
        [page(NOON, "/pricing"), order(NOON + WEEK + 1, "P-1")],
        [page(NOON, "/pricing"), order(NOON + WEEK, "P-2")],
    ),
    "cart_left": Case(
        ["cart,1,,session,,done,,,", "order,1,,session,,not_done,,,"],
        [at(NOON, "add_to_cart"), at(NOON + 1, "add_to_cart")],
        [at(NOON, "add_to_cart"), order(NOON + 1, "C-1")],
    ),
    "bought_again_within_a_week": Case(
        ["order,2,,7 days,previous_conversion,done,,,"],
        [order(NOON, "B-1"), order(NOON + WEEK, "B-2")],
        [order(NOON, "B-3"), order(NOON + 60, "B-3")],
    ),
    "compared_products": Case(
        ["product,3,item:item_id,session,,done,,,"],
        [item(NOON, "1"), item(NOON + 1, "2", "3")],
        [item(NOON, "1"), item(NOON + 1, "2", "1"), item(NOON + 2, "2")],
    ),
    "case_study_read": Case(
        ["case_study,1,,,,done,engaged_seconds_on_page,at_least,180"],
        [page(NOON, "/case/a"), engaged(NOON + 90, 90_000), engaged(NOON + 200, 90_000)],
        [page(NOON, "/case/a"), engaged(NOON + 90, 90_000), engaged(NOON + 200, 89_999)],
    ),
    "bounced": Case(
        ["page,1,,,,done,engaged_seconds_on_page,less_than,30"],
        [page(NOON), engaged(NOON + 40, 29_999)],
        [page(NOON), engaged(NOON + 40, 30_000)],
    ),
    "scrolled_three_quarters": Case(
        ["page,1,,,,done,percent_scrolled_on_page,at_least,75"],
        [page(NOON), engaged(NOON + 1, 1, percent_scrolled=75)],
        [page(NOON), engaged(NOON + 1, 1, percent_scrolled=74)],
    ),
    "third_visit": Case(
        ["page,1,,,,done,session_number,at_least,3"],
        [page(NOON, number=3)],
        [page(NOON, number=2)],
    ),
    "form_within_a_minute": Case(
        ["form,1,,,,done,seconds_since_session_start,at_most,60"],
        [page(NOON), at(NOON + 60, "form_start")],
        [page(NOON), at(NOON + 61, "form_start")],
    ),
}  # fmt: skip


def requirements() -> tuple[Requirement, ...]:
    return tuple(
        Requirement.of(f"{name},{row}") for name, case in CASES.items() for row in case.rows
    )


def kind_of(name: str) -> str:
    """What is derived is a micro-conversion; what it is made of is counted by itself nowhere."""
    return "micro" if name in CASES else "macro" if name == "order" else "ingredient"


def catalog_rows() -> list[dict[str, object]]:
    names = {name: rule[-1] for name, rule in BASE.items()} | dict.fromkeys(CASES, "every_event")
    return [
        {
            "conversion_name": name,
            "conversion_type": kind_of(name),
            "funnel_stage": "interest",
            "counting": counting,
            "value_rule": "none",
        }
        for name, counting in names.items()
    ]


def rule_rows() -> list[dict[str, object]]:
    return [
        {
            "conversion_name": name,
            "rule_group": 1,
            "event_name": event,
            "field": field or None,
            "operator": operator or None,
            "value": value or None,
        }
        for name, (event, field, operator, value, _) in BASE.items()
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    def build(new: Warehouse) -> None:
        rows = [hit(LAST, NOON, "page_view", visitor="somebody")]
        for name, case in CASES.items():
            for side, hits in (("in", case.did), ("out", case.did_not)):
                rows += [one | {"user_pseudo_id": f"{side} {name}"} for one in hits]
        write_export(new.export, rows)
        new.build("-s", "+int_sessions_attributed", "derived_conversions", "conversion_rules")
        replace_rows(new, "conversion_catalog", catalog_rows())
        replace_rows(new, "conversion_rules", rule_rows())
        replace_rows(new, "derived_conversions", requirement_rows(requirements()))
        models = ("int_conversion_events_matched", "int_conversions_stitched")
        derived = ("int_requirements_leveled", "int_conversions_required")
        counted = ("int_conversions_derived", "int_conversions_counted")
        new.dbt("run", "-s", *models, *derived, *counted).must_succeed()

    return shared_warehouse(tmp_path_factory, "derived_cases", build)


@pytest.mark.parametrize("name", CASES)
def test_whoever_did_it_has_it_and_whoever_just_missed_has_not(
    warehouse: Warehouse, name: str
) -> None:
    having = warehouse.rows(
        "select visitor_id, count(*) from int_conversions_counted"
        f" where conversion_name = '{name}' and is_counted"
        f" and visitor_id in ('in {name}', 'out {name}') group by visitor_id"
    )
    assert having == [(f"in {name}", 1)]


def test_ingredients_are_counted_by_themselves_nowhere(warehouse: Warehouse) -> None:
    """Their occurrences are there for what is made of them, and in nothing that people read."""
    required = warehouse.rows("select distinct conversion_name from int_conversions_required")
    counted = warehouse.rows("select distinct conversion_name from int_conversions_counted")
    assert {name for (name,) in required} == {*BASE}
    assert {name for (name,) in counted} == {*CASES, "order"}
