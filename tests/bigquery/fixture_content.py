"""Raw rows with pitfalls 9 to 17 of the export: sources, money, time zones, personal data."""

from __future__ import annotations

from .bq_types import Row
from .fixture import Value, device, event, item, micros, param, purchase_of


def sources() -> list[Row]:
    """9, 10: first touch, collected source, parameters, last click; paid, social, assistant."""
    touch = {"name": "winter", "medium": "email", "source": "news"}
    collected = {"manual_source": "Facebook", "manual_medium": "cpc", "manual_campaign_name": "Q1"}
    cross = {"source": "chatgpt.com", "medium": "referral", "campaign_name": "(referral)"}
    manual = {"source": "google", "medium": "organic", "campaign_name": "(organic)"}
    last_click = "session_traffic_source_last_click"
    visits: list[tuple[int, dict[str, Value], Row]] = [
        (1, {}, {"traffic_source": touch}),
        (1, {}, {"traffic_source": touch, "collected_traffic_source": collected}),
        (2, {"source": "bing", "medium": "organic", "campaign": "(not set)"}, {}),
        (3, {}, {last_click: {"cross_channel_campaign": cross, "manual_campaign": manual}}),
        (4, {}, {last_click: {"manual_campaign": manual}}),
        (5, {"gclid": "abc"}, {"collected_traffic_source": {"gclid": "abc"}}),
        (6, {"source": "youtube.com"}, {"traffic_source": None}),
        (7, {"source": "(direct)", "medium": "(none)"}, {}),
    ]
    return [
        event(
            "20260302", f"09:0{minute}:00", "page_view", f"source.{one}", 130 + one, params, **more
        )
        for minute, (one, params, more) in enumerate(visits)
    ]


def placeholders() -> list[Row]:
    """11: (not set), (data deleted), <Other>, empty text, missing structs and arrays."""
    blank = {"country": "(not set)", "region": "", "city": "<Other>"}
    nowhere: Row = {
        "geo": blank,
        "device": device("<Other>", "(not set)"),
        "stream_id": "(not set)",
    }
    absent = ("geo", "device", "traffic_source", "privacy_info")
    nothing: Row = dict.fromkeys((*absent, "event_params", "items", "user_properties"))
    return [
        event("20260302", "10:08:00", "page_view", "place.2", 142, **nowhere),
        event("20260302", "10:09:00", "page_view", "place.3", 143, **nothing),
    ]


def odd_purchases() -> list[Row]:
    """11: transactions and revenues that are none, and other currencies."""
    orders: list[tuple[Row, dict[str, Value]]] = [
        (purchase_of("(not set)", 1.0), {}),
        (purchase_of("", 2.0), {}),
        (purchase_of(None, 3.0), {}),
        (purchase_of(" T-space ", float("nan")), {}),
        (purchase_of("T-inf", float("inf")), {}),
        (purchase_of("T-minus", -4.0), {}),
        (purchase_of("(data deleted)", 0.0), {}),
        ({"transaction_id": "T-euro", "purchase_revenue": 9.0}, {"currency": "EUR"}),
        ({"purchase_revenue": 9.5}, {"currency": "USD"}),
    ]
    return [
        event(
            "20260302",
            f"10:1{minute}:00",
            "purchase",
            "place.1",
            141,
            params,
            ecommerce=order,
            event_value_in_usd=9.25 if "currency" in params else None,
        )
        for minute, (order, params) in enumerate(orders)
    ]


def refunds() -> list[Row]:
    """12: a refund event for a purchase of another day, a partial one, one without a purchase."""
    return [
        event(
            "20260227",
            "15:00:00",
            "purchase",
            "refund.1",
            151,
            ecommerce=purchase_of("T-refund", 50.0),
        ),
        event(
            "20260302",
            "15:00:00",
            "refund",
            "refund.1",
            152,
            ecommerce={"transaction_id": "T-refund", "refund_value_in_usd": 20.0},
        ),
        event(
            "20260302",
            "15:01:00",
            "refund",
            "refund.1",
            152,
            {"currency": "USD"},
            ecommerce={"transaction_id": "T-refund", "refund_value": -5.0},
        ),
        event(
            "20260302",
            "15:02:00",
            "refund",
            None,
            None,
            {"transaction_id": "T-unknown", "currency": "USD", "value": 3},
            None,
        ),
    ]


def time_zone_edges() -> list[Row]:
    """15: local and UTC date differ, and the night in which clocks go forward (8 March 2026)."""
    return [
        event("20260307", "18:59:59", "page_view", "zone.1", 161),
        event("20260307", "19:00:01", "page_view", "zone.1", 161),
        event("20260308", "01:59:59", "page_view", "zone.2", 162),
        event("20260308", "03:00:00", "view_item", "zone.2", 162, items=[item("a", 2.0)]),
        event("20260308", "23:59:59", "page_view", "zone.2", 162),
    ]


def measurement_protocol() -> list[Row]:
    """16: hits from a server without session, page, device; one is backdated by 72 hours."""
    bare: Row = {
        "device": None,
        "geo": None,
        "traffic_source": None,
        "event_bundle_sequence_id": None,
    }
    early = micros("20260227", "12:00:00")
    return [
        event(
            "20260302",
            "12:00:00",
            "purchase",
            "server.1",
            None,
            {"value": 4},
            None,
            ecommerce=purchase_of("T-server", 4.0),
            **bare,
        ),
        event("20260302", "12:00:00", "sign_up", "server.1", None, {}, None, **bare),
        event(
            "20260302",
            "12:00:00",
            "purchase",
            "server.2",
            172,
            {},
            None,
            **(bare | {"event_timestamp": early}),
            ecommerce=purchase_of("T-back", 8.0),
        ),
    ]


def personal_data() -> list[Row]:
    """17: e-mail addresses and tokens in URLs, a title and the user id."""
    pages = [
        "/reset?token=secret&utm_source=news&email=a.b%40example.com",
        "/account/jane.doe@example.com/orders?page=2#part",
        "https://shop.example.com:8443/a?utm_campaign=x&UTM_SOURCE=Y&utm_term=",
        "https://SHOP.example.com",
        "android-app://com.example.app/path",
        "/umlaut/%C3%A4?page=1&page=2",
        "not a url",
        "?only=query",
    ]
    return [
        event(
            "20260302",
            f"16:0{number}:00",
            "page_view",
            f"private.{number}",
            181,
            {
                "page_title": "Orders of jane.doe@example.com",
                "search_term": "max@example.org",
                "page_referrer": "https://mail.example.com/?u=jane@example.com&page=3",
                "link_url": "mailto:jane@example.com",
            },
            page,
            user_id="jane.doe@example.com",
            user_properties=[param("crm", "jane.doe@example.com"), param("level", 3)],
        )
        for number, page in enumerate(pages)
    ]


def unreadable() -> list[Row]:
    """Rows that are no events: no name, no date, a date of another day, an impossible time."""
    return [
        event("20260302", "18:00:00", None, "bad.1", 201),
        event("20260302", "18:00:00", " ", "bad.1", 201),
        event("20260302", "18:00:00", "page_view", "bad.2", 202, event_date=None),
        event("20260302", "18:00:00", "page_view", "bad.2", 202, event_date="2026-03-02"),
        event("20260302", "18:00:00", "page_view", "bad.2", 202, event_date="20260229"),
        event("20260302", "18:00:00", "page_view", "bad.2", 202, event_date="20260228"),
        event("20260302", "18:00:00", "page_view", "bad.3", 203, event_timestamp=None),
        event("20260302", "18:00:00", "page_view", "bad.3", 203, event_timestamp=0),
        event("20260302", "18:00:00", "page_view", "bad.3", 203, event_timestamp=-1),
    ]
