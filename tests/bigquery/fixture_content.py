"""Raw rows with pitfalls 9 to 17 of the export: sources, money, time zones, personal data."""

from __future__ import annotations

from .bq_types import Row
from .fixture import device, event, item, micros, param, purchase_of


def sources() -> list[Row]:
    """9, 10: first touch, collected source, parameters, last click; paid, social, assistant."""
    touch = {"name": "winter", "medium": "email", "source": "news"}
    collected = {"manual_source": "Facebook", "manual_medium": "cpc", "manual_campaign_name": "Q1"}
    cross = {"source": "chatgpt.com", "medium": "referral", "campaign_name": "(referral)"}
    manual = {"source": "google", "medium": "organic", "campaign_name": "(organic)"}
    both: Row = {"cross_channel_campaign": cross, "manual_campaign": manual}
    return [
        event("20260302", "09:00:00", "page_view", "source.1", 131, traffic_source=touch),
        event(
            "20260302",
            "09:01:00",
            "page_view",
            "source.1",
            131,
            traffic_source=touch,
            collected_traffic_source=collected,
        ),
        event(
            "20260302",
            "09:02:00",
            "page_view",
            "source.2",
            132,
            {"source": "bing", "medium": "organic", "campaign": "(not set)"},
        ),
        event(
            "20260302",
            "09:03:00",
            "page_view",
            "source.3",
            133,
            session_traffic_source_last_click=both,
        ),
        event(
            "20260302",
            "09:04:00",
            "page_view",
            "source.4",
            134,
            session_traffic_source_last_click={"manual_campaign": manual},
        ),
        event(
            "20260302",
            "09:05:00",
            "page_view",
            "source.5",
            135,
            {"gclid": "abc"},
            collected_traffic_source={"gclid": "abc"},
        ),
        event(
            "20260302",
            "09:06:00",
            "page_view",
            "source.6",
            136,
            {"source": "youtube.com"},
            traffic_source=None,
        ),
        event(
            "20260302",
            "09:07:00",
            "page_view",
            "source.7",
            137,
            {"source": "(direct)", "medium": "(none)"},
        ),
    ]


def placeholders() -> list[Row]:
    """11: (not set), (data deleted), <Other>, empty text, NaN, infinite and negative revenue."""
    rows = [
        event(
            "20260302",
            f"10:0{number}:00",
            "purchase",
            "place.1",
            141,
            ecommerce=purchase_of(transaction, revenue),
        )
        for number, (transaction, revenue) in enumerate(
            [
                ("(not set)", 1.0),
                ("", 2.0),
                (None, 3.0),
                (" T-space ", float("nan")),
                ("T-inf", float("inf")),
                ("T-minus", -4.0),
                ("(data deleted)", 0.0),
            ]
        )
    ]
    blank = {"country": "(not set)", "region": "", "city": "<Other>"}
    nowhere = event(
        "20260302",
        "10:08:00",
        "page_view",
        "place.2",
        142,
        geo=blank,
        device=device("<Other>", "(not set)"),
        stream_id="(not set)",
    )
    nothing = event(
        "20260302",
        "10:09:00",
        "page_view",
        "place.3",
        143,
        geo=None,
        device=None,
        traffic_source=None,
        privacy_info=None,
        event_params=None,
        items=None,
        user_properties=None,
    )
    euro = event(
        "20260302",
        "10:10:00",
        "purchase",
        "place.4",
        144,
        {"currency": "EUR"},
        ecommerce={"transaction_id": "T-euro", "purchase_revenue": 9.0},
    )
    dollar = event(
        "20260302",
        "10:11:00",
        "purchase",
        "place.4",
        144,
        {"currency": "USD"},
        ecommerce={"purchase_revenue": 9.5},
        event_value_in_usd=9.25,
    )
    return [*rows, nowhere, nothing, euro, dollar]


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
