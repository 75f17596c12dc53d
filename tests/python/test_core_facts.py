"""Visitors, sessions and conversions are what the raw hits say, by the rules the project states.

All scenarios share one build; each has visitors, users and orders of its own.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest
from export_rows import Row, Scenarios, hit, purchase, write_export
from project_run import Warehouse, shared_warehouse

DAY = date(2025, 5, 12)
NEXT_DAY = date(2025, 5, 13)
LAST_DAY = date(2025, 5, 14)
DENIED: Row = {"visitor": None, "session": None, "privacy_info": {"analytics_storage": "No"}}

scenario = Scenarios()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    def build(new: Warehouse) -> None:
        write_export(new.export, scenario.rows())
        new.build("-s", "+fct_micro_conversions", "+fct_macro_conversions", "+dim_visitors")

    return shared_warehouse(tmp_path_factory, "core_facts", build)


def user(user_id: str) -> str:
    """The visitor that a user_id stands for."""
    return hashlib.sha256(user_id.encode()).hexdigest()[:32]


def orders(warehouse: Warehouse, condition: str, columns: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        f"select {columns} from fct_macro_conversions where conversion_name = 'purchase'"
        f" and {condition} order by occurred_at, conversion_event_id"
    )


def micros(warehouse: Warehouse, name: str, visitor: str) -> list[dict[str, Any]]:
    return warehouse.records(
        f"select * from fct_micro_conversions where conversion_name = '{name}'"
        f" and visitor_id = '{visitor}' order by occurred_at"
    )


# ---- purchases and refunds -----------------------------------------------------------------------


@scenario
def repeated_orders() -> list[Row]:
    return [
        purchase(DAY, 10, "T-1", 10.0, visitor="buyer", session=1),
        purchase(DAY, 20, "T-1", 99.0, visitor="buyer", session=1),
        purchase(NEXT_DAY, 20, "T-1", 99.0, visitor="buyer", session=2),
        purchase(DAY, 30, "T-1", 11.0, visitor="other_buyer"),
        purchase(DAY, 40, "(not set)", 1.0, visitor="nameless"),
        purchase(DAY, 41, "(not set)", 2.0, visitor="nameless"),
        purchase(DAY, 42, None, 3.0, visitor="nameless"),
        purchase(DAY, 43, None, 4.0, visitor="nameless"),
        purchase(DAY, 50, "T-2", 5.0, visitor="laptop", user_id="ann"),
        purchase(DAY, 60, "T-2", 5.0, visitor="phone", user_id="ann"),
        purchase(DAY, 70, "T-3", 6.0, **DENIED),
        purchase(DAY, 80, "T-3", 6.0, **DENIED),
        hit(DAY, 90, "purchase", visitor="by_param", params={"transaction_id": "T-4", "value": 8}),
        hit(DAY, 91, "purchase", visitor="by_param", params={"transaction_id": "T-4", "value": 8}),
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("visitor_id = 'buyer'", [("T-1", 10.0)]),
        ("visitor_id = 'other_buyer'", [("T-1", 11.0)]),
        ("visitor_id = 'nameless'", [(None, 1.0), (None, 2.0), (None, 3.0), (None, 4.0)]),
        (f"visitor_id = '{user('ann')}'", [("T-2", 5.0)]),
        ("transaction_id = 'T-3'", [("T-3", 6.0)]),
        ("visitor_id = 'by_param'", [("T-4", None)]),
    ],
)
def test_a_purchase_counts_once_per_visitor_and_transaction_id(
    warehouse: Warehouse, condition: str, expected: list[tuple[Any, ...]]
) -> None:
    assert orders(warehouse, condition, "transaction_id, revenue_usd") == expected


@scenario
def refunded_orders() -> list[Row]:
    def refund(seconds: float, transaction_id: str, value: float | None, **columns: Any) -> Row:
        ecommerce = {"transaction_id": transaction_id, "refund_value_in_usd": value}
        return hit(LAST_DAY, seconds, "refund", ecommerce=ecommerce, **columns)

    by_param = {"transaction_id": "F-param", "value": 7.5, "currency": "USD"}
    return [
        purchase(DAY, 10, "F-parts", 100.0, visitor="f"),
        refund(1, "F-parts", 10.0, visitor="f"),
        refund(2, "F-parts", 20.0, visitor="f_phone"),
        purchase(DAY, 11, "F-all", 50.0, visitor="f"),
        refund(3, "F-all", None, **DENIED),
        purchase(DAY, 12, "F-negative", 40.0, visitor="f"),
        refund(4, "F-negative", -15.0, visitor="f"),
        purchase(DAY, 13, "F-param", 30.0, visitor="f"),
        hit(LAST_DAY, 5, "refund", visitor=None, session=None, params=by_param),
        purchase(DAY, 14, "F-unpriced", None, visitor="f"),
        refund(6, "F-unpriced", 5.0, visitor="f"),
        purchase(DAY, 15, "F-repeated", 20.0, visitor="f"),
        purchase(DAY, 16, "F-repeated", 20.0, visitor="f"),
        refund(7, "F-repeated", 20.0, visitor="f"),
        purchase(DAY, 10, "F-shared", 60.0, visitor="f_first"),
        purchase(DAY, 20, "F-shared", 60.0, visitor="f_second"),
        refund(8, "F-shared", 60.0, visitor="f_second"),
        refund(9, "F-unknown", 60.0, visitor="f_second"),
    ]


def test_refunds_are_netted_by_order_wherever_they_come_from(warehouse: Warehouse) -> None:
    columns = "transaction_id, revenue_usd, refund_usd, net_revenue_usd"
    assert orders(warehouse, "visitor_id = 'f'", columns) == [
        ("F-parts", 100.0, 30.0, 70.0),
        ("F-all", 50.0, 50.0, 0.0),
        ("F-negative", 40.0, 15.0, 25.0),
        ("F-param", 30.0, 7.5, 22.5),
        ("F-unpriced", None, 5.0, None),
        ("F-repeated", 20.0, 20.0, 0.0),
    ]


def test_a_refund_is_netted_once_where_two_visitors_share_an_order(warehouse: Warehouse) -> None:
    columns = "visitor_id, refund_usd, net_revenue_usd"
    assert orders(warehouse, "transaction_id = 'F-shared'", columns) == [
        ("f_first", 60.0, 0.0),
        ("f_second", 0.0, 60.0),
    ]


@scenario
def priced_orders() -> list[Row]:
    def priced(seconds: float, currency: str | None, **ecommerce: float) -> Row:
        params = {} if currency is None else {"currency": currency}
        ids = {"transaction_id": f"C-{seconds}"}
        return hit(
            DAY, seconds, "purchase", visitor="currencies", params=params, ecommerce=ids | ecommerce
        )

    return [
        priced(1, "EUR", purchase_revenue_in_usd=11.0, purchase_revenue=10.0),
        priced(2, "USD", purchase_revenue=12.0),
        priced(3, "EUR", purchase_revenue=13.0),
        priced(4, "EUR", purchase_revenue=14.0) | {"event_value_in_usd": 15.0},
        priced(5, "USD", purchase_revenue_in_usd=0.0, purchase_revenue=0.0),
        hit(DAY, 6, "add_to_cart", visitor="currencies", params={"value": 3}),
        hit(DAY, 7, "add_to_cart", visitor="currencies", params={"value": 3.5, "currency": "USD"}),
        hit(DAY, 8, "add_to_cart", visitor="currencies", params={"value": 4, "currency": "EUR"}),
        hit(DAY, 9, "view_item", visitor="currencies", params={"value": 4, "currency": "USD"}),
    ]


def test_revenue_is_in_dollars_or_unknown(warehouse: Warehouse) -> None:
    found = orders(warehouse, "visitor_id = 'currencies'", "revenue_usd, value_usd")
    assert found == [(11.0, 11.0), (12.0, 12.0), (None, None), (15.0, 15.0), (0.0, 0.0)]


def test_the_value_of_a_conversion_follows_its_value_rule(warehouse: Warehouse) -> None:
    added = micros(warehouse, "add_to_cart", "currencies")
    assert [conversion["value_usd"] for conversion in added] == [3.0, 3.5, None]
    (viewed,) = micros(warehouse, "view_item", "currencies")
    assert viewed["value_usd"] is None


# ---- counting ------------------------------------------------------------------------------------


@scenario
def repeated_conversions() -> list[Row]:
    rows = []
    for name in ("view_item", "begin_checkout", "newsletter_signup"):
        for session, seconds in [
            (1, 10),
            (1, 20),
            (2, 4000),
            (2, 4010),
            (None, 5000),
            (None, 5010),
        ]:
            rows.append(hit(DAY, seconds, name, visitor="counted", session=session))
        rows += [hit(DAY, seconds, name, **DENIED) for seconds in (10_000, 10_010)]
    return rows


@pytest.mark.parametrize(
    ("name", "counted"),
    [("view_item", 6), ("begin_checkout", 4), ("newsletter_signup", 1)],
)
def test_a_conversion_counts_as_its_catalog_says(
    warehouse: Warehouse, name: str, counted: int
) -> None:
    """Every event; once a session, where a hit outside any is nobody's repeat; once a visitor."""
    found = micros(warehouse, name, "counted")
    assert len(found) == counted
    assert [conversion["occurrence_number"] for conversion in found] == list(range(1, counted + 1))
    assert found[0]["seconds_since_session_start"] == 0


@pytest.mark.parametrize("name", ["view_item", "begin_checkout", "newsletter_signup"])
def test_conversions_without_consent_count_each(warehouse: Warehouse, name: str) -> None:
    found = warehouse.rows(
        "select visitor_id, session_id, occurrence_number from fct_micro_conversions"
        f" where conversion_name = '{name}' and visitor_id is null"
    )
    assert found == [(None, None, None)] * 2


def test_conversions_are_summed_in_their_session_and_visitor(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "select micro_conversion_count from fct_sessions where user_pseudo_id = 'counted'"
        " order by started_at"
    ) == [(4,), (3,)]
    assert warehouse.rows(
        "select session_count, micro_conversion_count, macro_conversion_count, funnel_stage"
        " from dim_visitors where visitor_id = 'counted'"
    ) == [(2, 11, 0, "intent")]
    assert warehouse.rows(
        "select macro_conversion_count, revenue_usd, funnel_stage from dim_visitors"
        " where visitor_id = 'buyer'"
    ) == [(1, 10.0, "conversion")]


# ---- quality columns -----------------------------------------------------------------------------


@scenario
def a_visit_of_three_pages() -> list[Row]:
    def event(seconds: float, name: str, session: int | None = 1, **params: Any) -> Row:
        location = {"page_location": "https://shop.example/p"}
        return hit(
            DAY,
            seconds,
            name,
            visitor="careful",
            session=session,
            number=session,
            params=location | params,
        )

    return [
        event(0, "page_view"),
        event(5, "user_engagement", engagement_time_msec=5000),
        event(10, "page_view", engagement_time_msec=250),
        event(12, "scroll", percent_scrolled=50),
        event(20, "view_item", engagement_time_msec=8000),
        event(25, "scroll", percent_scrolled=90),
        event(30, "user_engagement", engagement_time_msec=4000),
        event(40, "page_view"),
        event(45, "add_to_cart", engagement_time_msec=1500),
        event(60, "purchase"),
        event(7000, "view_item", session=2, engagement_time_msec=100),
        event(7010, "page_view", session=2),
        event(7020, "add_to_cart", session=2),
        event(9000, "view_size_guide", session=None),
    ]


QUALITY = [
    # name, seconds into the day, engaged, scrolled, depth, since start, since previous micro
    ("view_item", 20, 12.25, 90, 2, 20.0, None),
    ("deep_scroll", 25, 12.25, 90, 2, 25.0, 5.0),
    ("add_to_cart", 45, 1.5, None, 3, 45.0, 20.0),
    ("purchase", 60, 1.5, None, 3, 60.0, 15.0),
    ("view_item", 7000, 0.1, None, 0, 0.0, 6955.0),
    ("add_to_cart", 7020, 0.0, None, 1, 20.0, 20.0),
    ("view_size_guide", 9000, None, None, None, None, 1980.0),
]


def test_quality_columns_describe_the_page_and_the_moment(warehouse: Warehouse) -> None:
    columns = (
        "conversion_name, occurred_at, engaged_seconds_on_page, percent_scrolled_on_page,"
        " page_depth, seconds_since_session_start, seconds_since_previous_conversion"
    )
    found = warehouse.rows(
        f"with facts as (select visitor_id, {columns} from fct_micro_conversions"
        f" union all select visitor_id, {columns} from fct_macro_conversions)"
        " select conversion_name,"
        " epoch(occurred_at) - epoch(timestamp '2025-05-12 04:00:00') as seconds,"
        f" {columns.split('occurred_at, ')[1]} from facts where visitor_id = 'careful' order by 2"
    )
    assert found == QUALITY


def test_conversions_know_the_page_and_the_visit_they_happened_in(warehouse: Warehouse) -> None:
    first, second = micros(warehouse, "view_item", "careful")
    assert (first["page_path"], first["session_number"], first["is_first_session"]) == (
        "/p",
        1,
        True,
    )
    assert (second["session_number"], second["is_first_session"]) == (2, False)
    assert first["session_id"] == "property-1001-careful-1"
    (outside,) = micros(warehouse, "view_size_guide", "careful")
    assert (outside["session_id"], outside["session_number"]) == (None, None)


def test_a_session_sums_its_hits(warehouse: Warehouse) -> None:
    columns = (
        "event_count, page_view_count, engaged_seconds, is_engaged, micro_conversion_count,"
        " macro_conversion_count, epoch(ended_at) - epoch(started_at), landing_page_path"
    )
    assert warehouse.rows(
        f"select {columns} from fct_sessions where user_pseudo_id = 'careful' order by started_at"
    ) == [(10, 3, 18.75, False, 3, 1, 60.0, "/p"), (3, 1, 0.1, False, 2, 0, 20.0, "/p")]


# ---- identity ------------------------------------------------------------------------------------


@scenario
def people_and_devices() -> list[Row]:
    def visit(day: date, visitor: str, session: int, user_id: str | None = None) -> Row:
        return hit(
            day, session * 2000, "view_item", visitor=visitor, session=session, user_id=user_id
        )

    return [
        visit(DAY, "own_laptop", 1),
        visit(DAY, "own_laptop", 2, "bob"),
        visit(NEXT_DAY, "own_laptop", 3),
        visit(NEXT_DAY, "own_phone", 4, "bob"),
        visit(NEXT_DAY, "own_phone", 5),
        visit(DAY, "family_tablet", 1, "carol"),
        visit(DAY, "family_tablet", 2, "dave"),
        visit(NEXT_DAY, "family_tablet", 3),
        visit(DAY, "anonymous", 1),
        hit(DAY, 10, "page_view", visitor="logs_in", session=1),
        hit(DAY, 20, "view_item", visitor="logs_in", session=1),
        hit(DAY, 30, "login", visitor="logs_in", session=1, user_id="erin"),
        hit(DAY, 40, "view_item", visitor="logs_in", session=None),
        visit(DAY, "blank_user", 1, "(not set)"),
    ]


@pytest.mark.parametrize(
    ("device", "visitors"),
    [
        ("own_laptop", [user("bob")] * 3),
        ("own_phone", [user("bob")] * 2),
        ("family_tablet", [user("carol"), user("dave"), "family_tablet"]),
        ("anonymous", ["anonymous"]),
        ("logs_in", [user("erin")]),
        ("blank_user", ["blank_user"]),
    ],
)
def test_a_visitor_is_the_user_where_the_device_has_one(
    warehouse: Warehouse, device: str, visitors: list[str]
) -> None:
    """On a device of several users a session belongs to whoever logged in, else to the device."""
    found = warehouse.rows(
        f"select visitor_id from fct_sessions where user_pseudo_id = '{device}' order by started_at"
    )
    assert [visitor for (visitor,) in found] == visitors


def test_a_person_is_one_visitor_over_all_devices(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "select session_count, device_count, micro_conversion_count from dim_visitors"
        f" where visitor_id = '{user('bob')}'"
    ) == [(5, 2, 5)]
    viewed = micros(warehouse, "view_item", user("bob"))
    assert [conversion["occurrence_number"] for conversion in viewed] == [1, 2, 3, 4, 5]
    assert len(micros(warehouse, "view_item", user("erin"))) == 2
    ids = "('own_laptop', 'own_phone', 'logs_in')"
    assert warehouse.value(f"select count(*) from dim_visitors where visitor_id in {ids}") == 0


def test_every_session_belongs_to_one_known_visitor(warehouse: Warehouse) -> None:
    assert (
        warehouse.rows(
            "select fct_sessions.session_id"
            " from fct_sessions left join dim_visitors using (visitor_id)"
            " where dim_visitors.visitor_id is null"
        )
        == []
    )
    assert warehouse.value("select sum(session_count) from dim_visitors") == warehouse.value(
        "select count(*) from fct_sessions"
    )


# ---- channel groups ------------------------------------------------------------------------------

CHANNELS = [
    ("(direct)", "(none)", None, "Direct"),
    ("GOOGLE", "CPC", None, "Paid Search"),
    ("google", "organic", "(organic)", "Organic Search"),
    ("any", "cpc", "spring cross-network", "Cross-network"),
    ("google", "cpc", "black friday shopping", "Paid Shopping"),
    ("l.facebook.com", "referral", None, "Organic Social"),
    ("instagram", "paid_social", None, "Paid Social"),
    ("youtube.com", "referral", None, "Organic Video"),
    ("newsletter", "e-mail", None, "Email"),
    ("partner", "affiliate", None, "Affiliates"),
    ("network", "cpm", None, "Display"),
    ("perplexity.ai", "referral", None, "AI Assistant"),
    ("blog.example", "referral", None, "Referral"),
    ("unheard", "of", None, "Unassigned"),
]


@scenario
def visits_by_source() -> list[Row]:
    rows = []
    for number, (source, medium, campaign, _) in enumerate(CHANNELS):
        collected = {"manual_source": source, "manual_medium": medium}
        if campaign is not None:
            collected["manual_campaign_name"] = campaign
        rows.append(
            hit(
                DAY,
                10,
                "page_view",
                visitor=f"channel_{number}",
                collected_traffic_source=collected,
                traffic_source={"source": source, "medium": medium, "name": campaign},
            )
        )
    return rows


@pytest.mark.parametrize("number", range(len(CHANNELS)))
def test_a_session_and_a_first_touch_get_the_channel_group_of_their_source(
    warehouse: Warehouse, number: int
) -> None:
    *_, group = CHANNELS[number]
    found = warehouse.rows(
        "select channel_group, first_touch_channel_group from fct_sessions"
        f" where visitor_id = 'channel_{number}'"
    )
    assert found == [(group, group)]
