"""Raw rows with pitfalls 1 to 8 of the export: keys, visitors, sessions, copies, order."""

from __future__ import annotations

from .bq_types import Row
from .fixture import Value, device, event, item, param, purchase_of


def repeated_keys_and_mixed_types() -> list[Row]:
    """1, 2: a key twice (the first counts), and one parameter in four types."""
    typed: list[tuple[str, Value, dict[str, Value]]] = [
        ("page_view", 81, {"session_engaged": "true"}),
        ("generate_lead", 81, {"value": 5, "currency": "USD"}),
        ("generate_lead", "81", {"value": 5.5, "currency": "USD"}),
        ("generate_lead", 81.0, {"value": "6.25", "currency": "EUR"}),
        ("generate_lead", 81, {"value": "six", "session_engaged": 1}),
        ("scroll", 81, {"percent_scrolled": "90", "engagement_time_msec": "1200"}),
        ("scroll", 81, {"percent_scrolled": 75.5, "engagement_time_msec": -5}),
        ("page_view", 81, {"engagement_time_msec": 90_000_000, "ga_session_number": "3"}),
        ("page_view", "1.7", {"value": " 7 "}),
    ]
    rows = [
        event("20260227", f"09:0{number}:00", name, "typed.1", session, params)
        for number, (name, session, params) in enumerate(typed)
    ]
    twice = event("20260227", "09:30:00", "page_view", "typed.2", 82)
    twice["event_params"] += [param("page_location", "https://other.example/"), param("x", None)]
    in_float = event("20260227", "09:31:00", "generate_lead", "typed.2", 82)
    in_float["event_params"].append(
        {"key": "value", "value": param("", None)["value"] | {"float_value": 2.5}}
    )
    empty_first = event("20260227", "09:32:00", "page_view", "typed.2", 82, page=None)
    empty_first["event_params"] += [param("page_location", ""), param("page_title", " Home ")]
    return [*rows, twice, in_float, empty_first]


def denied_consent() -> list[Row]:
    """3: no visitor, no session; they are counted and belong to nobody."""
    denied = {"analytics_storage": "No", "ads_storage": "No", "uses_transient_token": "Yes"}
    return [
        event("20260228", "10:00:00", "page_view", privacy_info=denied),
        event("20260228", "10:00:00", "page_view", privacy_info=denied),
        event("20260228", "10:00:01", "view_item", privacy_info=denied, items=[item("a", 1.0)]),
        event(
            "20260228",
            "10:00:02",
            "purchase",
            privacy_info=denied,
            ecommerce=purchase_of("T-nobody", 12.5),
        ),
        event("20260228", "10:00:03", "page_view", "consent.1", privacy_info=None),
    ]


def session_cookies() -> list[Row]:
    """4: the session number inside a cookie's text, and texts that are none."""
    cookies = [
        "GS2.1.s1747075570$o5$g1$t1747075999",
        "s1747075571$o5",
        "s1747075572",
        "GS2.1.o5",
        "s",
        "abc",
        "",
        "9" * 25,
    ]
    return [
        event("20260228", f"11:0{number}:00", "page_view", f"cookie.{number}", cookie)
        for number, cookie in enumerate(cookies)
    ]


def duplicates() -> list[Row]:
    """5: the same row twice, nearly the same, in two kinds of table, and a purchase sent again."""
    once = event("20260301", "12:00:00", "page_view", "twice.1", 91, {"page_title": "A"})
    other_title = event("20260301", "12:00:00", "page_view", "twice.1", 91, {"page_title": "B"})
    later_bundle = once | {"event_bundle_sequence_id": 2}
    lists = [
        event("20260301", "12:01:00", "view_item_list", "twice.1", 91, items=[item(name, 1.0)])
        for name in ("x", "y", "y")
    ]
    buy = event(
        "20260301", "12:02:00", "purchase", "twice.1", 91, ecommerce=purchase_of("T-again", 20.0)
    )
    again = event(
        "20260302", "12:02:00", "purchase", "twice.1", 92, ecommerce=purchase_of("T-again", 20.0)
    )
    stale = once | {"_TABLE_SUFFIX": "intraday_20260301"}
    only_intraday = event(
        "20260308", "09:00:00", "page_view", "late.1", 93, table="intraday_20260308"
    )
    fresh = event("20260309", "09:00:00", "page_view", "late.1", 94, table="fresh_20260309")
    older = event("20260309", "09:00:00", "page_view", "late.2", 95, table="intraday_20260309")
    today = event("20260310", "09:00:00", "page_view", "late.2", 96, table="intraday_20260310")
    return [
        once,
        once,
        later_bundle,
        other_title,
        *lists,
        buy,
        again,
        stale,
        only_intraday,
        fresh,
        older,
        today,
    ]


def same_moment() -> list[Row]:
    """6: events of one request share a timestamp; batch columns, then parameters, order them."""
    names = ["page_view", "view_item", "add_to_cart", "begin_checkout"]
    in_columns = [
        event(
            "20260301",
            "13:00:00",
            name,
            "order.1",
            101,
            batch_page_id=1700000000000,
            batch_ordering_id=4 - number,
            batch_event_index=number,
            items=[item("a", 3.0)],
        )
        for number, name in enumerate(names)
    ]
    in_params = [
        event(
            "20260301",
            "13:00:00",
            name,
            "order.2",
            102,
            {
                "batch_page_id": 1700000000001,
                "batch_ordering_id": number,
                "batch_event_index": 9 - number,
            },
            items=[item("a", 3.0)],
        )
        for number, name in enumerate(names)
    ]
    by_bundle = [
        event("20260301", "13:00:00", name, "order.3", 103, event_bundle_sequence_id=9 - number)
        for number, name in enumerate(names)
    ]
    no_order = [event("20260301", "13:00:00", name, "order.4", 104) for name in names]
    return in_columns + in_params + by_bundle + no_order


def sessions_without_start() -> list[Row]:
    """7: no session_start, a first_visit of an old visitor, one session number for two visitors."""
    return [
        event("20260301", "14:00:00", "page_view", "start.1", 111, {"ga_session_number": 4}),
        event("20260301", "14:00:01", "first_visit", "start.1", 111, {"ga_session_number": 4}),
        event("20260301", "14:05:00", "session_start", "start.1", 111, {"ga_session_number": 4}),
        event("20260301", "14:00:00", "page_view", "start.2", 111, {"ga_session_number": 1}),
        event("20260301", "14:00:00", "page_view", "start.2", 111, stream_id="222"),
        event(
            "20260301",
            "14:00:00",
            "screen_view",
            "start.2",
            111,
            {"firebase_screen": "Home"},
            None,
            platform="ANDROID",
            device=device("mobile", None),
        ),
        event("20260301", "14:10:00", "page_view", "start.3"),
    ]


def across_midnight() -> list[Row]:
    """8: one session on two dates, also over the end of the month."""
    return [
        event("20260228", "23:58:00", "page_view", "night.1", 121, {"ga_session_number": 1}),
        event("20260228", "23:59:59.999999", "view_item", "night.1", 121, items=[item("a", 5.0)]),
        event("20260301", "00:00:00", "add_to_cart", "night.1", 121, items=[item("a", 5.0)]),
        event(
            "20260301",
            "00:20:00",
            "purchase",
            "night.1",
            121,
            ecommerce=purchase_of("T-night", 5.0),
        ),
    ]
