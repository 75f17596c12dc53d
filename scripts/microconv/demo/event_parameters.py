"""Which parameters the shop sends with which event."""

from __future__ import annotations

from urllib.parse import quote_plus

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from microconv.demo import records as rec
from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Ints, choice, drawn
from microconv.demo.local_time import MICROSECONDS
from microconv.demo.page_views import NO_PAGE
from microconv.demo.parameters import ParameterSheet, Texts
from microconv.demo.records import EVENT, has
from microconv.demo.rows import Rows

_TEXTS = Texts()
_TITLE = _TEXTS.codes([page.title for page in shop.PAGES])
_PLAIN = 0
_TAGGED = 1
_SECRET = _TAGGED + len(shop.CAMPAIGNS)
_SEARCHED = _SECRET + len(shop.SECRET_QUERIES)
_QUERIES = (
    "",
    *(
        f"?utm_source={c.source}&utm_medium={c.medium}&utm_campaign={c.name}"
        for c in shop.CAMPAIGNS
    ),
    *shop.SECRET_QUERIES,
    *(f"?q={quote_plus(term)}" for term in shop.SEARCH_TERMS),
)
_LOCATION = _TEXTS.codes(
    [
        f"https://{host}{page.path}{query}"
        for host in shop.HOSTS
        for page in shop.PAGES
        for query in _QUERIES
    ]
).reshape(len(shop.HOSTS), len(shop.PAGES), len(_QUERIES))
_REFERRER = _TEXTS.codes([campaign.referrer for campaign in shop.CAMPAIGNS])
_SOURCE = _TEXTS.codes([campaign.source for campaign in shop.CAMPAIGNS])
_MEDIUM = _TEXTS.codes([campaign.medium for campaign in shop.CAMPAIGNS])
_CAMPAIGN = _TEXTS.codes([campaign.name for campaign in shop.CAMPAIGNS])
_CLICK_IDS = _TEXTS.codes(shop.CLICK_IDS)
_ZERO, _ONE = _TEXTS.codes(["0", "1"])
_USD, _NOT_SET, _INTERNAL, _ELSEWHERE = _TEXTS.codes(
    ["USD", "(not set)", "internal", "https://tags.shop.example/second-copy"]
)

_VIDEO = ("video_start", "video_progress", "video_complete")
_CHECKOUT = ("begin_checkout", "add_shipping_info", "add_payment_info", "purchase")
_VALUED = ("view_item", "add_to_wishlist", "add_to_cart", "view_cart", *_CHECKOUT, "refund")
_CHOICES: tuple[tuple[str, tuple[str, ...], tuple[str | None, ...]], ...] = (
    ("search_term", ("view_search_results",), shop.SEARCH_TERMS),
    ("video_title", _VIDEO, shop.VIDEO_TITLES),
    ("video_provider", _VIDEO, ("youtube",)),
    ("item_list_name", ("view_item_list", "select_item"), ("Category list",)),
    ("shipping_tier", ("add_shipping_info",), ("Ground", "Ground", "Express")),
    ("payment_type", ("add_payment_info",), ("credit_card", "paypal", "apple_pay")),
    ("coupon", ("purchase",), (None, None, None, None, "AUTUMN10")),
    ("method", ("login", "sign_up"), ("password", "google")),
    ("method", ("share",), ("copy_link", "whatsapp", "email")),
    ("form_id", ("newsletter_signup",), ("newsletter_footer",)),
    ("form_name", ("newsletter_signup",), ("Newsletter",)),
    ("file_name", ("file_download",), ("/files/lookbook-autumn.pdf", "/files/care-guide.pdf")),
    ("file_extension", ("file_download",), ("pdf",)),
    ("link_url", ("file_download",), ("https://www.shop.example/files/lookbook-autumn.pdf",)),
    ("banner_name", ("banner_impression",), ("autumn_sale", "free_shipping")),
    ("message_id", ("push_received",), ("weekly_deals", "back_in_stock")),
    ("size_system", ("view_size_guide",), ("US", "EU")),
)
_CHOICE_CODES = [_TEXTS.codes(options) for _, _, options in _CHOICES]


def event_parameters(rows: Rows) -> pa.Array:
    """The `event_params` column of `rows`."""
    sheet = ParameterSheet(len(rows), _TEXTS)
    records = rows.records
    on_page = ~has(records, rec.OFF_SESSION)
    identified = on_page & ~has(records, rec.NO_CONSENT)
    _enter_session(sheet, rows, identified)
    _enter_page(sheet, rows, on_page)
    _enter_source(sheet, rows, on_page)
    _enter_engagement(sheet, rows, identified)
    _enter_money(sheet, rows)
    for (key, events, _), codes in zip(_CHOICES, _CHOICE_CODES, strict=True):
        index = rows.of(events)
        sheet.text(key, index, codes[choice(rows.page_word[index], 31, len(codes))])
    _enter_oddities(sheet, rows, on_page)
    return sheet.column()


def _enter_session(sheet: ParameterSheet, rows: Rows, identified: Bools) -> None:
    """Session id and number; server-side set-ups send the whole GS2 cookie as id."""
    records = rows.records
    server_side = has(records, rec.SERVER_SIDE)
    index = np.flatnonzero(identified & ~server_side)
    sheet.integer("ga_session_id", index, records["session_second"][index].astype(np.int64))
    cookies = np.flatnonzero(identified & server_side)
    for prefix, half in (("GS2.1.s", 0), ("s", 1)):
        part = cookies[(records["cookie"][cookies] // 2) % 2 == half]
        sheet.fresh_text("ga_session_id", part, _session_cookies(prefix, records.take(part)))
    index = np.flatnonzero(identified)
    sheet.integer("ga_session_number", index, records["session_number"][index].astype(np.int64))


def _session_cookies(prefix: str, records: rec.Fields) -> pa.Array:
    """GS2 cookies: start, number and engagement of the session, time of this hit."""

    def text(values: Ints) -> pa.Array:
        return pc.cast(pa.array(values.astype(np.int64)), pa.string())

    parts = [
        pa.scalar(prefix),
        text(records["session_second"]),
        pa.scalar("$o"),
        text(records["session_number"]),
        pa.scalar("$g1$t"),
        text(records["timestamp"] // MICROSECONDS),
        pa.scalar("$j60$l0$h0"),
    ]
    return pc.binary_join_element_wise(*parts, "")


def _enter_page(sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
    """Address, title and referrer of the page; some addresses carry what they should not."""
    records = rows.records
    index = np.flatnonzero(on_page)
    here, page_word = records.take(index), rows.page_word[index]
    page = here["page"].astype(np.int64)
    host = has(here, rec.BARE_HOST).astype(np.int64)
    is_landing = has(here, rec.FIRST_PAGE)
    collected = here["collected"].astype(np.int64)
    query = np.where(is_landing & shop.TAGGED[collected], _TAGGED + collected, _PLAIN)
    term = _SEARCHED + choice(page_word, 31, len(shop.SEARCH_TERMS))
    query = np.where(shop.PAGE_KIND[page] == shop.SEARCH, term, query)
    secret = _SECRET + choice(page_word, 32, len(shop.SECRET_QUERIES))
    query = np.where(drawn(page_word, 33, settings.SECRET_URL_PER_MILLION), secret, query)
    sheet.text("page_location", index, _LOCATION[host, page, query])
    sheet.text("page_title", index, _TITLE[page])
    previous = here["previous"].astype(np.int64)
    inside = _LOCATION[host, np.where(previous == NO_PAGE, 0, previous), _PLAIN]
    sheet.text("page_referrer", index, np.where(is_landing, _REFERRER[collected], inside))
    viewed = rows.of(["page_view"])
    sheet.integer("entrances", viewed[has(records.take(viewed), rec.FIRST_PAGE)], 1)


def _enter_source(sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
    """Source parameters on the request that opens a session, unless it came directly."""
    records = rows.records
    opening = on_page & has(records, rec.FIRST_BATCH) & (records["collected"] != shop.DIRECT)
    index = np.flatnonzero(opening)
    campaign = records["collected"][index].astype(np.int64)
    sheet.text("source", index, _SOURCE[campaign])
    sheet.text("medium", index, _MEDIUM[campaign])
    sheet.text("campaign", index, _CAMPAIGN[campaign])
    clicked = index[shop.CLICK_ID[campaign]]
    sheet.text("gclid", clicked, _CLICK_IDS[click_numbers(rows)[clicked]])


def click_numbers(rows: Rows) -> Ints:
    """Which of the 512 click ids each session came with."""
    return choice(rows.records["session_second"].astype(np.uint64), 34, len(_CLICK_IDS))


def _enter_engagement(sheet: ParameterSheet, rows: Rows, identified: Bools) -> None:
    """Engaged time and `session_engaged`, the latter as string or integer by row."""
    records = rows.records
    engaged = has(records, rec.ENGAGED) & ~has(records, rec.FIRST_BATCH)
    as_integer = choice(rows.word, 35, 4) == 0
    index = np.flatnonzero(identified & ~as_integer)
    sheet.text("session_engaged", index, np.where(engaged[index], _ONE, _ZERO))
    index = np.flatnonzero(identified & as_integer)
    sheet.integer("session_engaged", index, engaged[index].astype(np.int64))
    index = np.flatnonzero(records["engagement"] > 0)
    sheet.integer("engagement_time_msec", index, records["engagement"][index].astype(np.int64))
    sheet.integer("percent_scrolled", rows.of(["scroll"]), 90)
    index = rows.of(_VIDEO)
    percent = np.zeros(256, dtype=np.int64)
    percent[[EVENT[name] for name in _VIDEO]] = (0, 50, 100)
    sheet.integer("video_percent", index, percent[records["event"][index]])


def _enter_money(sheet: ParameterSheet, rows: Rows) -> None:
    """Value, currency and transaction id; `(not set)` where the shop forgot the id."""
    records = rows.records
    index = rows.of(_VALUED)
    sheet.money("value", index, records["value"][index].astype(np.int64))
    sheet.text("currency", index, np.full(len(index), _USD))
    ordered = rows.of(["purchase", "refund"])
    nameless = has(records.take(ordered), rec.NO_ORDER_ID)
    sheet.text("transaction_id", ordered[nameless], np.full(int(nameless.sum()), _NOT_SET))
    index = ordered[~nameless]
    sheet.fresh_text("transaction_id", index, transaction_ids(records["order"][index]))
    sheet.integer("firebase_conversion", rows.of(["purchase"]), 1)


def transaction_ids(order: Ints) -> pa.Array:
    """The shop's order numbers, such as `T-10021504`."""
    return pc.binary_join_element_wise("T-", pc.cast(pa.array(order + 10_000_000), pa.string()), "")


def _enter_oddities(sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
    """Internal traffic, and a few rows in which a key occurs a second time with another value."""
    index = np.flatnonzero(has(rows.records, rec.INTERNAL))
    sheet.text("traffic_type", index, np.full(len(index), _INTERNAL))
    again = on_page & drawn(rows.word, 36, settings.REPEATED_KEY_PER_MILLION)
    index = np.flatnonzero(again)
    sheet.text("page_location", index, np.full(len(index), _ELSEWHERE))
