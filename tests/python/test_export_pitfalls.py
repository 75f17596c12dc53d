"""Each pitfall of the GA4 export, met by rows that the test itself writes, and survived by staging.

The pitfalls are numbered as in the list the project keeps of them; 13 concerns BigQuery's wildcard
tables and 14 GA4's own interface, which no file can show. All scenarios of the ordinary export
share one build, each with visitors of its own.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from export_rows import (
    LACKING_IN_2020,
    RETYPED_IN_2020,
    SHARD,
    SHOP,
    Row,
    Scenarios,
    change_tables,
    copy_tables,
    export_schema,
    hit,
    local_micros,
    param_list,
    purchase,
    write_export,
)
from project_run import Warehouse, shared_warehouse

DAY = date(2025, 5, 12)
NEXT_DAY = date(2025, 5, 13)
DAY_IN_2020 = date(2020, 11, 4)
DAY_OF_ALL_KINDS = date(2025, 5, 15)
DAY_WITHOUT_DAILY = date(2025, 5, 16)
DAY_OF_INTRADAY = date(2025, 5, 17)
DAY_OF_EMPTY_DAILY = date(2025, 5, 18)

SECRETS = ("jane.doe@example.com", "jane.doe%40example.com", "s3cr3ttok3n")

scenario = Scenarios()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    def build(new: Warehouse) -> None:
        write_export(new.export, scenario.rows())
        write_export(new.export, rows_of_2020(), schema=schema_of_2020())
        write_rows_of_every_kind(new.export)
        no_table = new.export / f"events_{DAY:%Y%m%d}_copy.parquet"
        no_table.write_bytes(b"not a table of the export")
        new.build()

    return shared_warehouse(tmp_path_factory, "export_pitfalls", build)


def events(warehouse: Warehouse, visitor: str, columns: str = "*") -> list[dict[str, Any]]:
    """The staged events of a visitor, as dictionaries, in the order staging gives them."""
    return warehouse.records(
        f"select {columns} from stg_ga4__events where user_pseudo_id = '{visitor}'"
        " order by event_timestamp, event_order, event_id"
    )


def sessions(warehouse: Warehouse, visitor: str) -> list[dict[str, Any]]:
    return warehouse.records(
        f"select * from fct_sessions where user_pseudo_id = '{visitor}'"
        " order by started_at, session_id"
    )


# ---- 1, 2: parameters ----------------------------------------------------------------------------


@scenario
def repeated_keys() -> list[Row]:
    params = [("page_location", f"{SHOP}/second"), ("ga_session_id", 99), ("page_title", None)]
    return [
        hit(DAY, 10, "page_view", visitor="repeated", session=11, page="/first", params=params),
    ]


def test_pitfall_01_a_repeated_key_takes_the_first_value(warehouse: Warehouse) -> None:
    (event,) = events(warehouse, "repeated")
    assert event["page_path"] == "/first"
    assert event["ga_session_id"] == 11


VALUES_BY_TYPE: list[tuple[dict[str, Any], float | None]] = [
    ({"int_value": 7}, 7.0),
    ({"double_value": 7.5}, 7.5),
    ({"float_value": 7.25}, 7.25),
    ({"string_value": "7.75"}, 7.75),
    ({"string_value": "seven"}, None),
    ({"double_value": math.nan}, None),
    ({"double_value": math.inf}, None),
    ({}, None),
]
WHOLE_NUMBERS_BY_TYPE: list[tuple[dict[str, Any], int | None]] = [
    ({"int_value": 3}, 3),
    ({"string_value": "3"}, 3),
    ({"double_value": 3.0}, 3),
    ({"float_value": 3.0}, 3),
    ({"string_value": "three"}, None),
    ({"string_value": "99999999999999999999"}, None),
    ({}, None),
]
ENGAGED_BY_TYPE: list[tuple[dict[str, Any], bool]] = [
    ({"string_value": "1"}, True),
    ({"int_value": 1}, True),
    ({"string_value": "0"}, False),
    ({"int_value": 0}, False),
    ({"string_value": "true"}, True),
]


@scenario
def values_of_varying_type() -> list[Row]:
    rows = [
        hit(DAY, number, "page_view", visitor="typed", params={"value": value})
        for number, (value, _) in enumerate(VALUES_BY_TYPE)
    ]
    for number, (value, _) in enumerate(WHOLE_NUMBERS_BY_TYPE):
        params = {
            "ga_session_number": value,
            "engagement_time_msec": value,
            "percent_scrolled": value,
        }
        rows += [hit(DAY, number, "scroll", visitor="whole", session=number, params=params)]
    for number, (value, _) in enumerate(ENGAGED_BY_TYPE):
        params = {"session_engaged": value}
        rows += [hit(DAY, number, "page_view", visitor="engaged", session=number, params=params)]
    return rows


def test_pitfall_02_a_number_is_read_from_whichever_field_holds_it(warehouse: Warehouse) -> None:
    found = [event["event_value"] for event in events(warehouse, "typed")]
    assert found == [value for _, value in VALUES_BY_TYPE]


@pytest.mark.parametrize("column", ["session_number", "percent_scrolled"])
def test_pitfall_02_a_whole_number_is_read_from_whichever_field_holds_it(
    warehouse: Warehouse, column: str
) -> None:
    found = [event[column] for event in events(warehouse, "whole")]
    assert found == [value for _, value in WHOLE_NUMBERS_BY_TYPE]


def test_pitfall_02_session_engaged_is_read_as_text_and_as_number(warehouse: Warehouse) -> None:
    found = [session["is_engaged"] for session in sessions(warehouse, "engaged")]
    assert found == [engaged for _, engaged in ENGAGED_BY_TYPE]


# ---- 3, 4: who and which session -----------------------------------------------------------------


@scenario
def consent_denied() -> list[Row]:
    denied: Row = {"privacy_info": {"analytics_storage": "No", "ads_storage": "No"}}
    strangers = [
        hit(DAY, 20 + number, "page_view", visitor=None, session=None, page="/denied", **denied)
        for number in range(3)
    ]
    bought = [
        purchase(DAY, 30 + number, f"denied-{number}", 10.0, visitor=None, session=None, **denied)
        for number in range(2)
    ]
    return [
        *strangers,
        *bought,
        hit(DAY, 40, "page_view", visitor="", session=5, page="/denied", **denied),
        hit(DAY, 41, "page_view", visitor="sessionless", session=None, page="/denied"),
        hit(DAY, 42, "view_item", visitor="sessionless", session=None, page="/denied"),
    ]


def test_pitfall_03_hits_without_consent_are_kept_and_counted(warehouse: Warehouse) -> None:
    kept = warehouse.rows(
        "select user_pseudo_id, session_id, has_analytics_consent from stg_ga4__events"
        " where page_path = '/denied' and event_timestamp < "
        f"{local_micros(DAY, 41)}"
    )
    assert kept == [(None, None, False)] * 4
    counted = warehouse.value(
        f"select consentless_count from stg_ga4__export_days where event_date = '{DAY}'"
    )
    assert counted == warehouse.value(
        "select count(*) from stg_ga4__events"
        f" where event_date = '{DAY}' and user_pseudo_id is null"
    )
    assert counted >= 6


def test_pitfall_03_strangers_never_merge_into_a_visitor_or_a_session(warehouse: Warehouse) -> None:
    assert sessions(warehouse, "sessionless") == []
    for table, column in [
        ("fct_sessions", "session_id"),
        ("fct_sessions", "visitor_id"),
        ("dim_visitors", "visitor_id"),
        ("mart_lead_scores", "visitor_id"),
    ]:
        unnamed = f"select count(*) from {table} where coalesce({column}, '') in ('', '0')"
        assert warehouse.value(unnamed) == 0, (table, column)
    assert warehouse.value("select count(*) from fct_sessions where session_id like '%--%'") == 0


def test_pitfall_03_purchases_without_consent_count_each_for_nobody(warehouse: Warehouse) -> None:
    bought = warehouse.rows(
        "select visitor_id, session_id, revenue_usd from fct_macro_conversions"
        " where transaction_id like 'denied-%'"
    )
    assert bought == [(None, None, 10.0)] * 2


SESSION_IDS: list[tuple[Any, int | None]] = [
    (1747075570, 1747075570),
    ("1747075571", 1747075571),
    ("GS2.1.s1747075572$o5$g1$t1747075999$j0$l0$h0", 1747075572),
    ("s1747075573$o5$g1", 1747075573),
    ("GS2.1.s1747075574", 1747075574),
    ("GS1.1.1747075575.5.1", None),
    ("sabc$o5", None),
    ("GS2.1.s$o5$g1", None),
    ("", None),
    ("null", None),
]


@scenario
def cookie_texts() -> list[Row]:
    return [
        hit(DAY, number, "page_view", visitor="cookie", session=session)
        for number, (session, _) in enumerate(SESSION_IDS)
    ]


def test_pitfall_04_the_session_number_is_parsed_out_of_a_gs2_cookie(warehouse: Warehouse) -> None:
    found = [event["ga_session_id"] for event in events(warehouse, "cookie")]
    assert found == [session for _, session in SESSION_IDS]


# ---- 5, 6: duplicates and order ------------------------------------------------------------------


@scenario
def copies() -> list[Row]:
    copy = hit(NEXT_DAY, 10, "page_view", visitor="copied", page="/copied")
    listed = hit(NEXT_DAY, 11, "view_item_list", visitor="copied", items=[{"item_id": "a"}])
    other_params = hit(NEXT_DAY, 10, "page_view", visitor="copied", page="/other")
    bought = [
        purchase(NEXT_DAY, 20, "T-copied", 50.0, visitor="copied"),
        purchase(NEXT_DAY, 20, "T-copied", 50.0, visitor="copied"),
        purchase(NEXT_DAY, 25, "T-copied", 50.0, visitor="copied"),
    ]
    return [
        copy,
        copy,
        dict(copy),
        copy | {"event_bundle_sequence_id": 9, "event_server_timestamp_offset": 77},
        other_params,
        listed,
        listed,
        listed | {"items": [{"item_id": "b"}]},
        *bought,
    ]


def test_pitfall_05_true_duplicates_are_removed_and_counted(warehouse: Warehouse) -> None:
    kept = [(event["event_name"], event["page_path"]) for event in events(warehouse, "copied")]
    assert sorted(kept, key=str) == sorted(
        [
            ("page_view", "/copied"),
            ("page_view", "/other"),
            ("view_item_list", None),
            ("view_item_list", None),
            ("purchase", None),
            ("purchase", None),
        ],
        key=str,
    )
    removed = warehouse.value(
        f"select duplicate_count from stg_ga4__export_days where event_date = '{NEXT_DAY}'"
    )
    assert removed == 5


def test_pitfall_05_a_purchase_sent_again_later_counts_once(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "select visitor_id, revenue_usd from fct_macro_conversions"
        " where transaction_id = 'T-copied'"
    ) == [("copied", 50.0)]


def test_pitfall_05_event_ids_are_unique_also_among_look_alikes(warehouse: Warehouse) -> None:
    assert (
        warehouse.rows(
            "select event_id from base_ga4__events group by event_id having count(*) > 1"
        )
        == []
    )


PAGES_IN_ORDER = ["/z", "/y", "/x", "/w"]


def batched_hits(visitor: str, orders: list[Row], params: list[Row]) -> list[Row]:
    """Page views of one request: one timestamp, told apart by their batch fields alone."""
    rows = [
        hit(DAY, 5, "page_view", visitor=visitor, page=page, params=param, **order)
        for page, order, param in zip(PAGES_IN_ORDER, orders, params, strict=True)
    ]
    return rows[::-1]


@scenario
def tied_timestamps() -> list[Row]:
    by_columns = [
        {"batch_page_id": 1, "batch_ordering_id": 1, "batch_event_index": 2},
        {"batch_page_id": 1, "batch_ordering_id": 1, "batch_event_index": 3},
        {"batch_page_id": 1, "batch_ordering_id": 2, "batch_event_index": 1},
        {"batch_page_id": 2, "batch_ordering_id": 1, "batch_event_index": 1},
    ]
    by_time_as_page = [
        {"batch_page_id": 1747075570000 + number, "batch_ordering_id": 1, "batch_event_index": 1}
        for number in range(4)
    ]
    bundles: list[Row] = [{"event_bundle_sequence_id": number} for number in (3, 20, 100, 1000)]
    nothing: list[Row] = [{}] * 4
    return [
        *batched_hits("tied_columns", by_columns, nothing),
        *batched_hits("tied_pages", by_time_as_page, nothing),
        *batched_hits("tied_params", nothing, by_columns),
        *batched_hits("tied_bundles", bundles, nothing),
        *batched_hits("tied_fully", nothing, nothing),
    ]


@pytest.mark.parametrize("visitor", ["tied_columns", "tied_pages", "tied_params", "tied_bundles"])
def test_pitfall_06_events_of_one_request_are_ordered_by_their_batch(
    warehouse: Warehouse, visitor: str
) -> None:
    assert [event["page_path"] for event in events(warehouse, visitor)] == PAGES_IN_ORDER
    (session,) = sessions(warehouse, visitor)
    assert (session["landing_page_path"], session["exit_page_path"]) == ("/z", "/w")


def test_pitfall_06_a_full_tie_is_broken_by_the_event_id(warehouse: Warehouse) -> None:
    tied = warehouse.rows(
        "select event_id, page_path from stg_ga4__events where user_pseudo_id = 'tied_fully'"
        " order by event_id"
    )
    (session,) = sessions(warehouse, "tied_fully")
    assert (session["landing_page_path"], session["exit_page_path"]) == (tied[0][1], tied[-1][1])


# ---- 7, 8: sessions ------------------------------------------------------------------------------


@scenario
def unreliable_session_starts() -> list[Row]:
    long_ago = local_micros(DAY - timedelta(days=90))
    just_now = local_micros(DAY, 100)
    return [
        hit(DAY, 100, "page_view", visitor="unstarted", session=21, number=1, page="/a"),
        hit(DAY, 160, "page_view", visitor="unstarted", session=21, number=1, page="/b"),
        hit(DAY, 100, "page_view", visitor="started_late", session=21, number=4, page="/a"),
        hit(DAY, 110, "session_start", visitor="started_late", session=21, number=4),
        hit(DAY, 120, "session_start", visitor="started_late", session=21, number=4),
        hit(DAY, 121, "first_visit", visitor="started_late", session=21, number=4),
        hit(DAY, 100, "page_view", visitor="two_streams", session=21),
        hit(DAY, 101, "page_view", visitor="two_streams", session=21, stream_id="2002"),
        hit(
            DAY,
            100,
            "page_view",
            visitor="first_touched",
            session=21,
            user_first_touch_timestamp=just_now,
        ),
        hit(
            DAY,
            500,
            "page_view",
            visitor="first_touched",
            session=22,
            user_first_touch_timestamp=just_now,
        ),
        hit(
            DAY,
            100,
            "page_view",
            visitor="touched_long_ago",
            session=21,
            user_first_touch_timestamp=long_ago,
        ),
        hit(DAY, 100, "page_view", visitor="first_seen", session=21),
        hit(DAY, 500, "page_view", visitor="first_seen", session=22),
    ]


def test_pitfall_07_a_session_starts_at_its_first_event(warehouse: Warehouse) -> None:
    for visitor, page_views in [("unstarted", 2), ("started_late", 1)]:
        (session,) = sessions(warehouse, visitor)
        assert session["started_at"] == utc(DAY, 100)
        assert session["landing_page_path"] == "/a"
        assert session["page_view_count"] == page_views


def test_pitfall_07_a_session_number_belongs_to_its_visitor_and_stream(
    warehouse: Warehouse,
) -> None:
    assert len(sessions(warehouse, "two_streams")) == 2
    shared = "select count(distinct visitor_id) from fct_sessions where session_id like '%-21'"
    assert warehouse.value(shared) == 6


@pytest.mark.parametrize(
    ("visitor", "expected"),
    [
        ("unstarted", [True]),
        ("started_late", [False]),
        ("first_touched", [True, False]),
        ("touched_long_ago", [False]),
        ("first_seen", [True, False]),
    ],
)
def test_pitfall_07_new_is_the_first_session_then_first_touch_then_first_seen(
    warehouse: Warehouse, visitor: str, expected: list[bool]
) -> None:
    found = [session["is_new_visitor"] for session in sessions(warehouse, visitor)]
    assert found == expected


@scenario
def a_night_on_the_site() -> list[Row]:
    return [
        hit(DAY, 86_000, "page_view", visitor="night", session=31, page="/before"),
        hit(DAY, 86_390, "page_view", visitor="night", session=31, page="/last"),
        hit(NEXT_DAY, 30, "page_view", visitor="night", session=31, page="/after"),
        hit(NEXT_DAY, 40, "view_item", visitor="night", session=31, page="/after"),
    ]


def test_pitfall_08_a_session_across_midnight_counts_once(warehouse: Warehouse) -> None:
    (session,) = sessions(warehouse, "night")
    assert session["session_date"] == DAY
    assert (session["started_at"], session["ended_at"]) == (utc(DAY, 86_000), utc(NEXT_DAY, 40))
    assert (session["landing_page_path"], session["exit_page_path"]) == ("/before", "/after")
    assert (session["event_count"], session["page_view_count"]) == (4, 3)
    (viewed,) = warehouse.records(
        "select * from fct_micro_conversions"
        " where visitor_id = 'night' and conversion_name = 'view_item'"
    )
    assert viewed["conversion_date"] == NEXT_DAY
    assert viewed["seconds_since_session_start"] == 440
    assert viewed["page_depth"] == 3


# ---- 9, 10, 11: sources and absent values --------------------------------------------------------


@scenario
def sources() -> list[Row]:
    touched = {"traffic_source": {"source": "google", "medium": "organic", "name": "(organic)"}}
    cross_channel = {"source": "bing", "medium": "cpc", "campaign_name": "spring"}
    last_click = {"cross_channel_campaign": cross_channel}
    manual_click = {"manual_campaign": {"source": "news", "medium": "email"}}
    collected = {"manual_source": "facebook", "manual_medium": "paid_social"}
    params = {"source": "partner.example", "medium": "referral", "campaign": "(referral)"}

    def view(seconds: float, visitor: str, **columns: Any) -> Row:
        return hit(DAY, seconds, "page_view", visitor=visitor, **columns)

    return [
        view(1, "by_last_click", **touched, collected_traffic_source=collected, params=params),
        view(2, "by_last_click", session_traffic_source_last_click=last_click),
        view(1, "by_manual_click", session_traffic_source_last_click=manual_click, **touched),
        view(1, "by_collected", **touched),
        view(2, "by_collected", collected_traffic_source=collected, params=params, **touched),
        view(3, "by_collected", collected_traffic_source={"manual_source": "later"}, **touched),
        view(1, "by_params", params=params, **touched),
        view(1, "by_gclid", collected_traffic_source={"gclid": "abc"}, **touched),
        view(1, "by_gclid_param", params={"gclid": "abc"}, **touched),
        view(1, "by_nothing", **touched),
        view(1, "by_assistant", params={"source": "chatgpt.com", "medium": "referral"}),
    ]


@pytest.mark.parametrize(
    ("visitor", "source", "medium", "campaign", "group"),
    [
        ("by_last_click", "bing", "cpc", "spring", "Paid Search"),
        ("by_manual_click", "news", "email", None, "Email"),
        ("by_collected", "facebook", "paid_social", None, "Paid Social"),
        ("by_params", "partner.example", "referral", "(referral)", "Referral"),
        ("by_gclid", "google", "cpc", None, "Paid Search"),
        ("by_gclid_param", "google", "cpc", None, "Paid Search"),
        ("by_nothing", None, None, None, "Unassigned"),
    ],
)
def test_pitfall_09_the_session_has_a_source_of_its_own(
    warehouse: Warehouse, visitor: str, source: str, medium: str, campaign: str, group: str
) -> None:
    (session,) = sessions(warehouse, visitor)
    found = tuple(
        session[name]
        for name in ("session_source", "session_medium", "session_campaign", "channel_group")
    )
    assert found == (source, medium, campaign, group)


@pytest.mark.parametrize("visitor", ["by_last_click", "by_collected", "by_params", "by_nothing"])
def test_pitfall_09_the_first_touch_stays_apart(warehouse: Warehouse, visitor: str) -> None:
    assert warehouse.rows(
        "select first_touch_source, first_touch_medium, first_touch_channel_group"
        f" from dim_visitors where visitor_id = '{visitor}'"
    ) == [("google", "organic", "Organic Search")]


def test_pitfall_10_channel_groups_are_the_rows_of_a_list(warehouse: Warehouse) -> None:
    (session,) = sessions(warehouse, "by_assistant")
    assert session["channel_group"] == "AI Assistant"
    listed = warehouse.rows("select distinct channel_group from channel_groups")
    used = warehouse.rows("select distinct channel_group from fct_sessions")
    assert set(used) <= set(listed)


ABSENT = ["(not set)", "(data deleted)", "<Other>", "", "  "]


@scenario
def absent_values() -> list[Row]:
    rows = []
    for number, absent in enumerate(ABSENT):
        rows += [
            purchase(
                DAY,
                10 + number,
                absent,
                5.0,
                visitor="absent",
                session=number,
                geo={"country": absent, "region": absent, "city": absent},
                device={"category": "mobile", "operating_system": absent, "browser": absent},
                traffic_source={"source": absent, "medium": absent, "name": absent},
                params={"source": absent, "currency": absent, "transaction_id": absent},
            ),
        ]
    for number, revenue in enumerate([math.nan, math.inf, None]):
        rows += [purchase(DAY, 50 + number, f"odd-{number}", revenue, visitor="odd_revenue")]
    return rows


@pytest.mark.parametrize(
    "column",
    [
        "transaction_id",
        "country",
        "region",
        "city",
        "operating_system",
        "browser",
        "event_source",
        "first_touch_source",
        "first_touch_medium",
        "first_touch_campaign",
        "currency",
    ],
)
def test_pitfall_11_whatever_says_not_set_is_null(warehouse: Warehouse, column: str) -> None:
    found = [event[column] for event in events(warehouse, "absent")]
    assert found == [None] * len(ABSENT)


def test_pitfall_11_not_set_is_no_transaction_so_each_purchase_counts(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "select count(*), sum(revenue_usd) from fct_macro_conversions where visitor_id = 'absent'"
    ) == [(len(ABSENT), 5.0 * len(ABSENT))]


def test_pitfall_11_revenue_that_is_no_number_is_null_and_spoils_no_sum(
    warehouse: Warehouse,
) -> None:
    assert warehouse.rows(
        "select count(*), count(revenue_usd) from fct_macro_conversions"
        " where visitor_id = 'odd_revenue'"
    ) == [(3, 0)]
    total = warehouse.value("select sum(revenue_usd) from mart_daily_conversions")
    assert math.isfinite(total)


# ---- 12: refunds ---------------------------------------------------------------------------------


@scenario
def refunds() -> list[Row]:
    def refund(transaction_id: str, value: float | None, **columns: Any) -> Row:
        ecommerce = {"transaction_id": transaction_id, "refund_value_in_usd": value}
        return hit(NEXT_DAY, 400, "refund", ecommerce=ecommerce, **columns)

    return [
        purchase(DAY, 400, "R-partial", 100.0, visitor="refunded"),
        refund("R-partial", 30.0, visitor="refunded"),
        purchase(DAY, 401, "R-full", 80.0, visitor="refunded"),
        refund("R-full", None, visitor="refunded"),
        purchase(DAY, 402, "R-elsewhere", 60.0, visitor="refunded"),
        refund("R-elsewhere", 60.0, visitor="refunded_phone"),
        purchase(DAY, 403, "R-nobody", 40.0, visitor="refunded"),
        refund("R-nobody", 40.0, visitor=None, session=None, device=None, geo=None),
        purchase(DAY, 404, "R-none", 20.0, visitor="refunded"),
        refund("(not set)", 20.0, visitor="refunded"),
    ]


def test_pitfall_12_refunds_are_netted_from_their_purchase(warehouse: Warehouse) -> None:
    found = warehouse.rows(
        "select transaction_id, revenue_usd, refund_usd, net_revenue_usd from fct_macro_conversions"
        " where visitor_id = 'refunded' order by occurred_at"
    )
    assert found == [
        ("R-partial", 100.0, 30.0, 70.0),
        ("R-full", 80.0, 80.0, 0.0),
        ("R-elsewhere", 60.0, 60.0, 0.0),
        ("R-nobody", 40.0, 40.0, 0.0),
        ("R-none", 20.0, 0.0, 20.0),
    ]


# ---- 15, 16: time zone, measurement protocol -----------------------------------------------------


@scenario
def late_evening() -> list[Row]:
    return [hit(DAY, 23.5 * 3600, "page_view", visitor="evening", page="/evening")]


def test_pitfall_15_dates_are_local_and_timestamps_utc(warehouse: Warehouse) -> None:
    (event,) = events(warehouse, "evening")
    assert event["event_date"] == DAY
    assert event["event_at"] == datetime(2025, 5, 13, 3, 30)
    (session,) = sessions(warehouse, "evening")
    assert session["session_date"] == DAY


def test_pitfall_15_now_is_the_local_end_of_the_last_loaded_day(warehouse: Warehouse) -> None:
    as_of = warehouse.value("select as_of_timestamp from int_export_as_of")
    assert as_of == local_micros(DAY_OF_EMPTY_DAILY + timedelta(days=1))


@scenario
def measurement_protocol() -> list[Row]:
    bare: Row = {"device": None, "geo": None, "platform": None, "privacy_info": None}
    located: Row = {"device": None, "geo": {"country": "France", "region": "Brittany"}}
    backdated = hit(DAY, 10, "purchase", visitor="backdated", session=None, **bare)
    return [
        purchase(DAY, 10, "MP-1", 25.0, visitor="server", session=None, **bare),
        purchase(DAY, 11, "MP-1", 25.0, visitor="server", session=None, **bare),
        hit(DAY, 12, "generate_lead", visitor=None, session=None, stream_id=None, **bare),
        backdated | {"event_timestamp": local_micros(DAY - timedelta(days=3), 10)},
        hit(DAY, 13, "page_view", visitor="located", **located),
        hit(DAY, 14, "page_view", visitor="resumed", session=41, number=2, page="/resumed"),
        purchase(DAY, 20, "MP-2", 15.0, visitor="resumed", session=41, **bare),
    ]


def test_pitfall_16_a_hit_without_session_page_or_device_is_kept(warehouse: Warehouse) -> None:
    found = events(
        warehouse, "server", "session_id, page_path, device_category, country, revenue_usd"
    )
    assert [tuple(event.values()) for event in found] == [(None, None, None, None, 25.0)] * 2
    assert warehouse.rows(
        "select visitor_id, session_id, revenue_usd from fct_macro_conversions"
        " where transaction_id = 'MP-1'"
    ) == [("server", None, 25.0)]
    assert warehouse.rows(
        "select session_count, macro_conversion_count, revenue_usd from dim_visitors"
        " where visitor_id = 'server'"
    ) == [(0, 1, 25.0)]


def test_pitfall_16_a_bare_hit_in_a_session_leaves_its_origin_alone(warehouse: Warehouse) -> None:
    (session,) = sessions(warehouse, "resumed")
    assert (session["device_category"], session["country"]) == ("desktop", "United States")
    assert (session["session_number"], session["macro_conversion_count"]) == (2, 1)


def test_pitfall_16_a_session_without_device_keeps_its_country(warehouse: Warehouse) -> None:
    (session,) = sessions(warehouse, "located")
    assert (session["device_category"], session["country"]) == (None, "France")


def test_pitfall_16_a_hit_backdated_by_72_hours_is_accepted(warehouse: Warehouse) -> None:
    (event,) = events(warehouse, "backdated", "event_date, event_at")
    assert event["event_date"] == DAY
    assert event["event_at"] == utc(DAY - timedelta(days=3), 10)


# ---- 17: personal data ---------------------------------------------------------------------------


@scenario
def personal_data() -> list[Row]:
    email, escaped, token = SECRETS
    url = f"{SHOP}/account/{email}/orders?token={token}&utm_source=mail&email={escaped}#{token}"
    params = {
        "page_location": url,
        "page_referrer": f"https://login.example/?next=%2F&session={token}&u={email}",
        "page_title": f"Orders of {email}",
        "search_term": email,
        "link_url": f"mailto:{email}",
        "file_name": f"/files/{escaped}.pdf",
        "form_id": f"form-{email}",
        "firebase_screen": f"Account {email}",
        "source": email,
        "medium": escaped,
        "campaign": email,
        "term": email,
        "content": f"{SHOP}/?auth={token}",
        "link_relative": f"/reset?token={token}",
        "link_without_scheme": f"www.shop.example:8080/reset?token={token}&utm_source=mail",
        "query_alone": f"?token={token}",
        "user_agent_note": f"contact: {escaped};",
    }
    properties = {"crm_mail": email, "last_url": f"{SHOP}/?key={token}", "plan": "gold"}
    rows = [
        hit(
            DAY,
            700,
            "page_view",
            visitor="private",
            session=51,
            user_id=email,
            params=params,
            user_properties=param_list(properties),
        ),
        hit(
            DAY,
            701,
            "page_view",
            visitor="private",
            session=51,
            user_id=email,
            params={"page_location": f"{SHOP}/list?utm_source=news&page=2&sid={token}"},
        ),
        purchase(
            DAY,
            702,
            "P-1",
            1.0,
            visitor="private",
            session=51,
            user_id=email,
            collected_traffic_source={"manual_source": email, "manual_campaign_name": email},
            traffic_source={"source": email, "medium": escaped, "name": email},
            session_traffic_source_last_click={
                "cross_channel_campaign": {"source": email, "campaign_name": email},
                "manual_campaign": {"source": email, "medium": email, "campaign_name": email},
            },
            items=[{"item_id": "card", "item_name": f"Card for {email}", "coupon": escaped}],
        ),
        # An address for an id: two orders stay two.
        *(
            purchase(
                DAY, second, f"{second}/{email}", 1.0, visitor="private", session=51, user_id=email
            )
            for second in (705, 706)
        ),
    ]
    rejected = hit(DAY, 703, "", visitor="private_rejected", user_id=email, params=params)
    return [*rows, rejected]


def test_pitfall_17_no_table_holds_a_planted_secret(warehouse: Warehouse) -> None:
    leaks = []
    with warehouse.connection() as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema not in ('information_schema', 'pg_catalog')"
        ).fetchall()
        for table, column in columns:
            text = f'cast("{column}" as varchar)'
            found = " or ".join(f"contains({text}, '{secret}')" for secret in SECRETS)
            (count,) = connection.execute(
                f'select count(*) from "{table}" where {found}'
            ).fetchall()[0]
            leaks += [(table, column)] * min(count, 1)
    assert len(columns) > 200
    assert leaks == []


def test_pitfall_17_urls_keep_path_and_allowed_parameters(warehouse: Warehouse) -> None:
    first, second, *_ = events(warehouse, "private")
    assert first["page_location"] == f"{SHOP}/account/(redacted)/orders?utm_source=mail"
    assert first["page_path"] == "/account/(redacted)/orders"
    assert first["page_referrer"] == "https://login.example/"
    assert first["page_title"] == "Orders of (redacted)"
    assert second["page_location"] == f"{SHOP}/list?utm_source=news&page=2"
    kept = {entry["key"]: entry["value"]["string_value"] for entry in first["user_properties"]}
    assert kept == {"crm_mail": "(redacted)", "last_url": f"{SHOP}/", "plan": "gold"}


def test_pitfall_17_addresses_leave_parameters_items_and_ids(warehouse: Warehouse) -> None:
    first, _, *purchases = events(warehouse, "private")
    kept = {entry["key"]: entry["value"]["string_value"] for entry in first["event_params"]}
    assert kept["link_without_scheme"] == "www.shop.example:8080/reset?utm_source=mail"
    assert kept["query_alone"] == ""
    assert kept["user_agent_note"] == "contact: (redacted);"
    (item,) = purchases[0]["items"]
    assert (item["item_name"], item["coupon"]) == ("Card for (redacted)", "(redacted)")
    assert purchases[0]["transaction_id"] == "P-1"
    assert len({purchase["transaction_id"] for purchase in purchases}) == len(purchases) == 3


def test_pitfall_17_a_user_id_is_known_by_its_hash_alone(warehouse: Warehouse) -> None:
    hashes = {event["user_id_hash"] for event in events(warehouse, "private")}
    assert len(hashes) == 1
    (user,) = hashes
    assert len(user) == 32
    assert [session["visitor_id"] for session in sessions(warehouse, "private")] == [user]


# ---- 18: bots, internal and foreign traffic ------------------------------------------------------


@scenario
def inhuman_visits() -> list[Row]:
    engaged = {"engagement_time_msec": 1000}
    crawler = [hit(DAY, n, "page_view", visitor="crawler", page=f"/{n}") for n in range(40)]
    racer = [
        hit(DAY, n / 10, "page_view", visitor="racer", page=f"/{n}", params=engaged)
        for n in range(40)
    ]
    reader = [
        hit(DAY, n * 20, "page_view", visitor="reader", page=f"/{n}", params=engaged)
        for n in range(40)
    ]
    internal = [
        hit(DAY, 1, "page_view", visitor="colleague", page="/a"),
        hit(DAY, 2, "view_item", visitor="colleague", params={"traffic_type": "internal"}),
    ]
    return [*crawler, *racer, *reader, *internal]


@pytest.mark.parametrize(
    ("visitor", "reason"),
    [
        ("crawler", "suspected_bot"),
        ("racer", "suspected_bot"),
        ("reader", None),
        ("colleague", "internal_traffic"),
    ],
)
def test_pitfall_18_bots_and_colleagues_are_marked_with_a_reason(
    warehouse: Warehouse, visitor: str, reason: str | None
) -> None:
    (session,) = sessions(warehouse, visitor)
    assert session["exclusion_reason"] == reason
    assert warehouse.rows(
        f"select is_excluded from dim_visitors where visitor_id = '{visitor}'"
    ) == [(reason is not None,)]


def test_pitfall_18_marked_visits_are_kept_and_leave_the_marts(warehouse: Warehouse) -> None:
    assert len(events(warehouse, "crawler")) == 40
    for mart in ["mart_lead_scores"]:
        assert (
            warehouse.value(
                f"select count(*) from {mart} where visitor_id in ('crawler', 'racer', 'colleague')"
            )
            == 0
        )
    (counted,) = warehouse.rows(
        "select session_count from mart_segment_conversions where period_grain = 'day'"
        f" and period_start_date = '{DAY}' and segment_dimension = 'all' limit 1"
    )
    assert (
        counted
        == warehouse.rows(
            "select count(*) from fct_sessions"
            f" where session_date = '{DAY}' and exclusion_reason is null"
        )[0]
    )


@scenario
def visits_of_other_hosts() -> list[Row]:
    translated = {"category": "mobile", "web_info": {"hostname": "Translate.example"}}
    copied = {"page_location": "https://Evil.example/a"}
    return [
        hit(DAY, 1, "page_view", visitor="at_home", page="/a"),
        hit(DAY, 1, "page_view", visitor="copycat", params=copied),
        hit(DAY, 1, "page_view", visitor="unlocated"),
        hit(DAY, 1, "page_view", visitor="translated", page="/a", device=translated),
    ]


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory, warehouse: Warehouse) -> Warehouse:
    """The same export after a user listed the own hosts and a channel group."""

    def build(copy: Warehouse) -> None:
        copy.pattern = str(warehouse.export / "events_*.parquet")
        copy_tables(warehouse.path, copy.path)
        change_tables(
            copy.path,
            "insert into own_hostnames values ('shop.example')",
            "insert into channel_groups (priority, channel_group, source_pattern, medium_pattern)"
            " values (1, 'House partners', 'partner[.]example', 'referral')",
        )
        models = ("int_session_days", "int_sessions_attributed")
        copy.dbt("run", "-s", *models, "--full-refresh").must_succeed()

    return shared_warehouse(tmp_path_factory, "export_pitfalls_edited", build)


def test_pitfall_10_a_row_in_the_list_makes_a_channel_group(edited: Warehouse) -> None:
    assert dict(
        edited.rows(
            "select user_pseudo_id, channel_group from int_sessions_attributed"
            " where user_pseudo_id in ('by_params', 'by_last_click')"
        )
    ) == {"by_params": "House partners", "by_last_click": "Paid Search"}


def test_pitfall_18_hosts_that_are_not_listed_as_ours_are_foreign(
    warehouse: Warehouse, edited: Warehouse
) -> None:
    query = (
        "select user_pseudo_id, exclusion_reason from int_sessions_attributed where user_pseudo_id"
        " in ('at_home', 'copycat', 'unlocated', 'translated')"
    )
    assert {reason for _, reason in warehouse.rows(query)} == {None}
    assert dict(edited.rows(query)) == {
        "at_home": None,
        "copycat": "foreign_hostname",
        "unlocated": None,
        "translated": "foreign_hostname",
    }


# ---- rejected rows, accounting -------------------------------------------------------------------


@scenario
def rows_that_are_no_events() -> list[Row]:
    def row(visitor: str, **columns: Any) -> Row:
        return hit(DAY, 800, "page_view", visitor=visitor, session=None) | columns

    far = local_micros(DAY + timedelta(days=30))
    return [
        row("no_name", event_name=None),
        row("blank_name", event_name=" "),
        row("no_date", event_date=None),
        row("odd_date", event_date="yesterday"),
        row("other_date", event_date=f"{DAY - timedelta(days=40):%Y%m%d}"),
        row("no_time", event_timestamp=None),
        row("zero_time", event_timestamp=0),
        row("far_time", event_timestamp=far),
        row("far_time", event_timestamp=far),
    ]


def test_rejected_rows_are_kept_with_a_reason(warehouse: Warehouse) -> None:
    found = warehouse.rows(
        "select raw_row::json ->> 'user_pseudo_id', rejection_reason from stg_ga4__rejected_events"
    )
    assert dict(found) == {
        "no_name": "event_name_missing",
        "blank_name": "event_name_missing",
        "private_rejected": "event_name_missing",
        "no_date": "event_date_missing",
        "odd_date": "event_date_unreadable",
        "other_date": "event_date_of_another_day",
        "no_time": "event_timestamp_missing",
        "zero_time": "event_timestamp_implausible",
        "far_time": "event_timestamp_implausible",
    }
    assert len(found) == 9


def test_every_raw_row_is_accepted_rejected_or_a_duplicate(warehouse: Warehouse) -> None:
    written: dict[date, int] = {}
    for row in scenario.rows():
        written[row[SHARD]] = written.get(row[SHARD], 0) + 1
    days = warehouse.records("select * from stg_ga4__export_days")
    for day in days:
        parts = ("accepted_count", "rejected_count", "duplicate_count")
        assert day["raw_row_count"] == sum(day[part] for part in parts), day["event_date"]
        assert day["raw_row_count"] == written.get(day["event_date"], day["raw_row_count"])
    for count, table in [
        ("accepted_count", "stg_ga4__events"),
        ("rejected_count", "stg_ga4__rejected_events"),
    ]:
        kept = dict(warehouse.rows(f"select event_date, count(*) from {table} group by event_date"))
        assert {day["event_date"]: day[count] for day in days if day[count]} == kept
    assert set(written) <= {day["event_date"] for day in days}


# ---- tables of one date --------------------------------------------------------------------------


def write_rows_of_every_kind(folder: Path) -> None:
    """Dates with several tables, each row's page saying which one it lies in."""

    def rows(day: date, table: str, count: int) -> list[Row]:
        return [hit(day, n, "page_view", visitor="kinds", page=f"/{table}") for n in range(count)]

    for table, day, count in [
        ("daily", DAY_OF_ALL_KINDS, 2),
        ("fresh", DAY_OF_ALL_KINDS, 3),
        ("intraday", DAY_OF_ALL_KINDS, 4),
        ("fresh", DAY_WITHOUT_DAILY, 3),
        ("intraday", DAY_WITHOUT_DAILY, 4),
        ("intraday", DAY_OF_INTRADAY, 4),
        ("daily", DAY_OF_EMPTY_DAILY, 0),
        ("intraday", DAY_OF_EMPTY_DAILY, 4),
    ]:
        kind = "" if table == "daily" else f"{table}_"
        lacking = ("traffic_source", "user_ltv", "is_active_user", "publisher")
        schema = export_schema(without=lacking if table == "intraday" else ())
        write_export(folder, rows(day, table, count), kind=kind, schema=schema, days=[day])


@pytest.mark.parametrize(
    ("day", "kind", "count"),
    [
        (DAY_OF_ALL_KINDS, "daily", 2),
        (DAY_WITHOUT_DAILY, "fresh", 3),
        (DAY_OF_INTRADAY, "intraday", 4),
        (DAY_OF_EMPTY_DAILY, "intraday", 4),
    ],
)
def test_each_date_is_read_from_its_best_table_that_has_rows(
    warehouse: Warehouse, day: date, kind: str, count: int
) -> None:
    assert warehouse.rows(
        "select source_table_kind, is_final, raw_row_count from stg_ga4__export_days"
        f" where event_date = '{day}'"
    ) == [(kind, kind == "daily", count)]
    assert warehouse.rows(
        "select source_table_kind, page_path, count(*) from stg_ga4__events"
        f" where event_date = '{day}' group by all"
    ) == [(kind, f"/{kind}", count)]


# ---- columns that are missing or of another type -------------------------------------------------


def schema_of_2020() -> pa.Schema:
    return export_schema(without=LACKING_IN_2020, retyped=RETYPED_IN_2020)


def rows_of_2020() -> list[Row]:
    """Hits as the public sample of 2020 has them: no consent, no stream, no user properties."""
    nulls: Row = {"privacy_info": None, "stream_id": 2100450278, "device": {"category": "tablet"}}
    params = {"source": "google", "medium": "organic", "session_engaged": "1"}
    return [
        hit(DAY_IN_2020, 10, "page_view", visitor="in_2020", page="/", params=params, **nulls),
        hit(DAY_IN_2020, 11, "view_item", visitor="in_2020", items=[{"item_id": "9"}], **nulls),
        purchase(DAY_IN_2020, 12, "(not set)", 20.0, visitor="in_2020", **nulls),
    ]


EXPECTED_OF_2020: list[tuple[Any, ...]] = [
    ("page_view", "2100450278", "/", "google", None, "tablet", True),
    ("view_item", "2100450278", None, None, "9", "tablet", True),
    ("purchase", "2100450278", None, None, None, "tablet", True),
]


def assert_staged_as_of_2020(warehouse: Warehouse) -> None:
    found = events(
        warehouse,
        "in_2020",
        "event_name, stream_id, page_path, event_source, items[1].item_id as item_id,"
        " device_category, has_analytics_consent",
    )
    assert [tuple(event.values()) for event in found] == EXPECTED_OF_2020
    missing = warehouse.rows(
        "select missing_column_count, missing_columns from stg_ga4__export_days"
        f" where event_date = '{DAY_IN_2020}'"
    )
    ((count, names),) = missing
    assert count == len(names.split(", "))
    assert "batch_page_id" in names
    assert "collected_traffic_source.manual_source" in names
    assert "stream_id (BIGINT)" in names
    assert "privacy_info.analytics_storage (BIGINT)" in names
    assert "user_properties.key (BIGINT)" in names
    assert "user_properties.value.int_value" not in names


def test_a_day_of_2020_is_staged_beside_days_of_today(warehouse: Warehouse) -> None:
    assert_staged_as_of_2020(warehouse)
    (session,) = sessions(warehouse, "in_2020")
    assert session["channel_group"] == "Organic Search"


def test_an_export_of_2020_alone_is_staged_alike(tmp_path: Path, warehouse: Warehouse) -> None:
    alone = Warehouse(tmp_path)
    write_export(alone.export, rows_of_2020(), schema=schema_of_2020())
    alone.build("-s", "+stg_ga4__export_days", "stg_ga4__events")
    assert_staged_as_of_2020(alone)
    assert staged_types(alone) == staged_types(warehouse)


def staged_types(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select column_name, data_type from information_schema.columns"
        " where table_name = 'base_ga4__events' order by column_name"
    )


def test_a_complete_table_of_today_misses_no_column(warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "select missing_column_count, missing_columns from stg_ga4__export_days"
        f" where event_date = '{DAY}'"
    ) == [(0, "")]
    assert warehouse.rows(
        f"select missing_columns from stg_ga4__export_days where event_date = '{DAY_OF_INTRADAY}'"
    ) == [("traffic_source.name, traffic_source.medium, traffic_source.source",)]


def test_columns_of_odd_types_are_cast_and_bare_tables_staged(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    odd = Warehouse(tmp_path)
    text, whole = pa.string(), pa.int64()
    retyped = {
        "event_timestamp": text,
        "user_id": whole,
        "user_first_touch_timestamp": text,
        "event_value_in_usd": whole,
        "ecommerce.purchase_revenue_in_usd": text,
        "ecommerce.transaction_id": whole,
        "event_params.value.int_value": text,
        "event_params.value.double_value": whole,
        "items.quantity": text,
        "items.price": whole,
        "batch_page_id": text,
        "geo.country": whole,
        "device": pa.null(),
        "user_properties": pa.null(),
    }
    params = [
        {"key": "ga_session_id", "value": {"int_value": "71"}},
        {"key": "value", "value": {"double_value": 12}},
    ]
    oddly_typed: Row = {
        "event_timestamp": str(local_micros(DAY, 10)),
        "user_id": 4711,
        "user_first_touch_timestamp": str(local_micros(DAY, 10)),
        "event_value_in_usd": 3,
        "ecommerce": {"purchase_revenue_in_usd": "19.5", "transaction_id": 815},
        "event_params": params,
        "items": [{"item_id": "a", "quantity": "2", "price": 9}],
        "batch_page_id": "5",
        "geo": {"country": None, "city": "Oakland"},
        "device": None,
        "user_properties": None,
    }
    write_export(
        odd.export,
        [hit(DAY, 10, "purchase", visitor="odd") | oddly_typed],
        schema=export_schema(retyped=retyped),
    )
    bare_columns = {"event_date", "event_timestamp", "event_name", "user_pseudo_id"}
    absent = [name for name in export_schema().names if name not in bare_columns]
    write_export(
        odd.export, [hit(NEXT_DAY, 10, "page_view", visitor="bare")], schema=export_schema(absent)
    )
    odd.build("-s", "+stg_ga4__export_days", "stg_ga4__events")
    (event,) = events(odd, "odd")
    expected = {
        "event_timestamp": local_micros(DAY, 10),
        "ga_session_id": 71,
        "event_value": 12.0,
        "event_value_in_usd": 3.0,
        "revenue_usd": 19.5,
        "transaction_id": "815",
        "country": None,
        "city": "Oakland",
        "device_category": None,
        "event_order": 5_000_000,
    }
    assert {name: event[name] for name in expected} == expected
    assert len(event["user_id_hash"]) == 32
    assert (event["items"][0]["quantity"], event["items"][0]["price"]) == (2, 9.0)
    (bare,) = events(odd, "bare")
    assert (bare["event_name"], bare["session_id"], bare["page_path"]) == ("page_view", None, None)
    assert staged_types(odd) == staged_types(warehouse)
    counts = dict(odd.rows("select event_date, missing_column_count from stg_ga4__export_days"))
    assert counts[DAY] > len(retyped)
    assert counts[NEXT_DAY] > counts[DAY]


def utc(day: date, seconds: float) -> datetime:
    """The naive UTC timestamp of so many seconds into a local day, as DuckDB returns it."""
    return datetime.fromtimestamp(local_micros(day, seconds) / 1_000_000, UTC).replace(tzinfo=None)
