"""Which parameters a site sends with which event."""

from __future__ import annotations

from urllib.parse import quote_plus

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from microconv.demo import records as rec
from microconv.demo import settings, world
from microconv.demo.arrays import Bools, Ints, choice, drawn, mixed
from microconv.demo.local_time import MICROSECONDS
from microconv.demo.page_views import NO_PAGE
from microconv.demo.parameters import ParameterSheet, Texts
from microconv.demo.records import has
from microconv.demo.rows import Rows
from microconv.demo.site import Site

_PLAIN = 0
_TAGGED = 1
_VIDEO = ("video_start", "video_progress", "video_complete")


class ParameterEncoder:
    """The `event_params` column for one site: all texts that it can hold, with their codes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._texts = Texts()
        self._secret = _TAGGED + len(site.campaigns)
        self._searched = self._secret + len(site.secret_queries)
        codes = self._texts.codes
        self._title = codes([page.title for page in site.pages])
        self._location = self._locations()
        self._referrer = codes([campaign.referrer for campaign in site.campaigns])
        self._source = codes([campaign.source for campaign in site.campaigns])
        self._medium = codes([campaign.medium for campaign in site.campaigns])
        self._campaign = codes([campaign.name for campaign in site.campaigns])
        self._click_ids = codes(world.CLICK_IDS)
        self._zero, self._one = codes(["0", "1"])
        self._usd, self._not_set, self._internal, self._elsewhere = codes(
            ["USD", "(not set)", "internal", f"https://tags.{site.hosts[1]}/second-copy"]
        )
        self._choice_codes = [codes(one.texts) for one in site.choices]
        self._screen = codes([page.path for page in site.pages] if site.is_app else [])

    def _locations(self) -> Ints:
        """Codes of the addresses by host, page and query."""
        site = self._site
        queries = (
            "",
            *(
                f"?utm_source={c.source}&utm_medium={c.medium}&utm_campaign={c.name}"
                for c in site.campaigns
            ),
            *site.secret_queries,
            *(f"?q={quote_plus(term)}" for term in site.search_terms),
        )
        addresses = [
            f"https://{host}{page.path}{query}"
            for host in site.hosts
            for page in site.pages
            for query in queries
        ]
        codes = self._texts.codes(addresses)
        return codes.reshape(len(site.hosts), len(site.pages), len(queries))

    def column(self, rows: Rows, has_revenue: bool = True) -> pa.Array:
        """The `event_params` column of `rows`; without revenue purchases have no value."""
        sheet = ParameterSheet(len(rows), self._texts)
        records = rows.records
        on_page = ~has(records, rec.OFF_SESSION)
        identified = on_page & ~has(records, rec.NO_CONSENT)
        self._enter_session(sheet, rows, identified)
        if self._site.is_app:
            self._enter_screen(sheet, rows, on_page)
        else:
            self._enter_page(sheet, rows, on_page)
        self._enter_source(sheet, rows, on_page)
        self._enter_engagement(sheet, rows, identified)
        self._enter_money(sheet, rows, has_revenue)
        for one, codes in zip(self._site.choices, self._choice_codes, strict=True):
            index = rows.of(one.events)
            if one.kinds:
                kind = self._site.page_kind[records["page"][index]]
                index = index[np.isin(kind, one.kinds)]
            sheet.text(one.key, index, codes[choice(rows.page_word[index], 31, len(codes))])
        self._enter_oddities(sheet, rows, on_page)
        return sheet.column()

    def _enter_session(self, sheet: ParameterSheet, rows: Rows, identified: Bools) -> None:
        """Session id and number; server-side set-ups send the whole GS2 cookie as id."""
        records = rows.records
        server_side = has(records, rec.SERVER_SIDE) & (not self._site.is_app)
        index = np.flatnonzero(identified & ~server_side)
        sheet.integer("ga_session_id", index, records["session_second"][index].astype(np.int64))
        cookies = np.flatnonzero(identified & server_side)
        for prefix, half in (("GS2.1.s", 0), ("s", 1)):
            part = cookies[(records["cookie"][cookies] // 2) % 2 == half]
            sheet.fresh_text("ga_session_id", part, _session_cookies(prefix, records.take(part)))
        index = np.flatnonzero(identified)
        sheet.integer("ga_session_number", index, records["session_number"][index].astype(np.int64))

    def _enter_page(self, sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
        """Address, title and referrer of the page; some addresses carry what they should not."""
        records = rows.records
        index = np.flatnonzero(on_page)
        here, page_word = records.take(index), rows.page_word[index]
        page = here["page"].astype(np.int64)
        host = has(here, rec.BARE_HOST).astype(np.int64)
        is_landing = has(here, rec.FIRST_PAGE)
        collected = here["collected"].astype(np.int64)
        query = np.where(is_landing & self._site.is_tagged[collected], _TAGGED + collected, _PLAIN)
        term = self._searched + choice(page_word, 31, max(1, len(self._site.search_terms)))
        query = np.where(self._site.page_kind[page] == self._site.search_kind, term, query)
        secret = self._secret + choice(page_word, 32, len(self._site.secret_queries))
        query = np.where(drawn(page_word, 33, settings.SECRET_URL_PER_MILLION), secret, query)
        sheet.text("page_location", index, self._location[host, page, query])
        sheet.text("page_title", index, self._title[page])
        previous = here["previous"].astype(np.int64)
        inside = self._location[host, np.where(previous == NO_PAGE, 0, previous), _PLAIN]
        sheet.text("page_referrer", index, np.where(is_landing, self._referrer[collected], inside))
        viewed = rows.of(["page_view"])
        sheet.integer("entrances", viewed[has(records.take(viewed), rec.FIRST_PAGE)], 1)

    def _enter_screen(self, sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
        """Name, class and number of the screen; an app has no addresses."""
        records = rows.records
        index = np.flatnonzero(on_page)
        screen = records["page"][index].astype(np.int64)
        sheet.text("firebase_screen", index, self._screen[screen])
        sheet.text("firebase_screen_class", index, self._title[screen])
        number = (mixed(screen, 48) >> np.uint64(1)).astype(np.int64)
        sheet.integer("firebase_screen_id", index, number)
        viewed = rows.of(["screen_view"])
        sheet.integer("entrances", viewed[has(records.take(viewed), rec.FIRST_PAGE)], 1)

    def _enter_source(self, sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
        """Source parameters on the request that opens a session, unless it came directly."""
        records = rows.records
        opening = (
            on_page & has(records, rec.FIRST_BATCH) & (records["collected"] != self._site.direct)
        )
        index = np.flatnonzero(opening)
        campaign = records["collected"][index].astype(np.int64)
        sheet.text("source", index, self._source[campaign])
        sheet.text("medium", index, self._medium[campaign])
        sheet.text("campaign", index, self._campaign[campaign])
        clicked = index[self._site.has_click_id[campaign]]
        sheet.text("gclid", clicked, self._click_ids[click_numbers(rows)[clicked]])

    def _enter_engagement(self, sheet: ParameterSheet, rows: Rows, identified: Bools) -> None:
        """Engaged time and `session_engaged`, the latter as string or integer by row."""
        records = rows.records
        engaged = has(records, rec.ENGAGED) & ~has(records, rec.FIRST_BATCH)
        as_integer = choice(rows.word, 35, 4) == 0
        index = np.flatnonzero(identified & ~as_integer)
        sheet.text("session_engaged", index, np.where(engaged[index], self._one, self._zero))
        index = np.flatnonzero(identified & as_integer)
        sheet.integer("session_engaged", index, engaged[index].astype(np.int64))
        index = np.flatnonzero(records["engagement"] > 0)
        sheet.integer("engagement_time_msec", index, records["engagement"][index].astype(np.int64))
        sheet.integer("percent_scrolled", rows.of(["scroll"]), 90)
        index = rows.of(_VIDEO)
        percent = np.zeros(256, dtype=np.int64)
        for name, watched in zip(_VIDEO, (0, 50, 100), strict=True):
            percent[self._site.codes([name])] = watched
        sheet.integer("video_percent", index, percent[records["event"][index]])

    def _enter_money(self, sheet: ParameterSheet, rows: Rows, has_revenue: bool) -> None:
        """Value, currency and transaction id; `(not set)` where the shop forgot the id."""
        records = rows.records
        index = rows.of(self._site.valued)
        if has_revenue:
            priced = index
        else:
            priced = index[records["event"][index] != self._site.code("purchase")]
        sheet.money("value", priced, records["value"][priced].astype(np.int64))
        sheet.text("currency", index, np.full(len(index), self._usd))
        ordered = rows.of(["purchase", "refund"])
        nameless = has(records.take(ordered), rec.NO_ORDER_ID)
        sheet.text("transaction_id", ordered[nameless], np.full(int(nameless.sum()), self._not_set))
        index = ordered[~nameless]
        sheet.fresh_text("transaction_id", index, transaction_ids(records["order"][index]))
        sheet.integer("firebase_conversion", rows.of(self._site.key_events), 1)

    def _enter_oddities(self, sheet: ParameterSheet, rows: Rows, on_page: Bools) -> None:
        """Internal traffic, and a few rows in which a key occurs again with another value."""
        index = np.flatnonzero(has(rows.records, rec.INTERNAL))
        sheet.text("traffic_type", index, np.full(len(index), self._internal))
        again = (
            on_page
            & (not self._site.is_app)
            & drawn(rows.word, 36, settings.REPEATED_KEY_PER_MILLION)
        )
        index = np.flatnonzero(again)
        sheet.text("page_location", index, np.full(len(index), self._elsewhere))


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


def click_numbers(rows: Rows) -> Ints:
    """Which of the 512 click ids each session came with."""
    return choice(rows.records["session_second"].astype(np.uint64), 34, len(world.CLICK_IDS))


def transaction_ids(order: Ints) -> pa.Array:
    """The shop's order numbers, such as `T-10021504`."""
    return pc.binary_join_element_wise("T-", pc.cast(pa.array(order + 10_000_000), pa.string()), "")
