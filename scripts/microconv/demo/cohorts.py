"""One chunk of visitors from first visit to last event, as compact records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from microconv.demo import records as rec
from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Ints, drawn, mixed
from microconv.demo.browsing import PURCHASED, Rates, browse, draw_page_counts, durations
from microconv.demo.happenings import LOGIN_MOMENT, Happenings, collect
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY
from microconv.demo.page_views import (
    NO_PAGE,
    PageViews,
    joined_sessions,
    joined_views,
    order_status_visits,
    page_views_of,
)
from microconv.demo.records import EVENT, Records
from microconv.demo.visitors import (
    Sessions,
    Visitors,
    draw_sessions,
    draw_visitors,
    of_first_session,
    session_starts,
    start_microseconds,
)

_CART_EVENTS = [
    EVENT[name]
    for name in (
        "add_to_cart",
        "view_cart",
        "begin_checkout",
        "add_shipping_info",
        "add_payment_info",
        "purchase",
        "view_order_status",
    )
]


@dataclass(frozen=True)
class Chunk:
    """Visitors whose first visit falls on one local day, drawn together from one seed.

    `first_person` is the global number of the first of `count` people; `shifted_from` the index
    from which people belong to the mix shift; days are local day numbers.
    """

    day: int
    first_person: int
    count: int
    shifted_from: int
    seed: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """The exported days as UTC microseconds, `start` included and `stop` not."""

    start: int
    stop: int


def simulate(
    chunk: Chunk, window: Window, *, intent_sd: float, rates: Rates, outage_day: int | None
) -> Records:
    """The chunk's visitors' events, unsorted; about 19 per visitor whose life is in the window."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(chunk.seed)))
    person = chunk.first_person + np.arange(chunk.count, dtype=np.int64)
    visitors = draw_visitors(rng, person, intent_sd, chunk.shifted_from)
    planned = draw_sessions(rng, visitors)
    pages, dwell = draw_page_counts(rng, visitors, planned)
    start = session_starts(rng, planned, chunk.day, durations(pages, dwell))
    sessions = replace(planned, start=start)
    browsing = browse(rng, visitors, sessions, pages, dwell, rates)
    views = page_views_of(rng, browsing, sessions, person)
    pushes = _pushes(rng, visitors, sessions)
    status_views, status_sessions = order_status_visits(rng, views, sessions, window.start)
    views = joined_views(views, status_views)
    sessions = joined_sessions(sessions, status_sessions)
    events = collect(rng, visitors, sessions, browsing, views, outage_day)
    in_session = _pack(visitors, sessions, views, events, window)
    refunds = _refunds(rng, in_session)
    return np.concatenate([in_session, pushes, refunds])


def _in_window(views: PageViews, events: Happenings, window: Window) -> tuple[Ints, Ints, Ints]:
    """Indices of the events worth packing, and the view and timestamp of every event.

    Purchases are kept whenever they were, because their refunds may still fall into the window.
    """
    view = np.concatenate(events.view)
    timestamp = views.start[view] + np.concatenate(events.offset)
    inside = (timestamp >= window.start) & (timestamp < window.stop)
    bought = np.concatenate(events.event) == EVENT["purchase"]
    return np.flatnonzero(inside | bought), view, timestamp


def _pack(
    visitors: Visitors, sessions: Sessions, views: PageViews, events: Happenings, window: Window
) -> Records:
    """Gather the events' view, session and person into records."""
    kept, every_view, timestamp = _in_window(views, events, window)
    view, event = every_view[kept], np.concatenate(events.event)[kept]
    session = views.session[view]
    visitor = sessions.visitor[session]
    out = rec.empty_records(len(view))
    out["timestamp"] = timestamp[kept]
    out["page_at"] = views.start[view]
    out["event"] = event
    out["ordering"] = np.concatenate(events.ordering)[kept]
    out["batch_index"] = np.concatenate(events.batch_index)[kept]
    out["engagement"] = np.concatenate(events.engagement)[kept]
    shown = np.concatenate(events.page)[kept]
    out["page"] = np.where(shown == NO_PAGE, views.page[view], shown)
    out["previous"] = views.previous[view]
    in_cart = np.isin(event, _CART_EVENTS)
    out["order"] = np.where(in_cart, views.order[view], -1)
    listed = shop.PRODUCT_CENTS[views.product[view]]
    out["value"] = np.where(in_cart, views.value[view], listed)
    out["items"] = np.where(in_cart, views.items[view], 1)
    out["product"] = views.product[view]
    out["lifetime"] = _lifetime(sessions, views)[view]
    out["cookie"] = visitors.person[visitor] * 2 + sessions.slot[session]
    out["first_touch"] = of_first_session(sessions, start_microseconds(sessions))[session]
    out["first_campaign"] = of_first_session(sessions, sessions.collected)[session]
    out["session_second"] = sessions.start[session]
    out["session_number"] = sessions.number[session]
    out["device"] = sessions.device[session]
    out["collected"] = sessions.collected[session]
    out["last_click"] = sessions.last_click[session]
    out["place"] = visitors.place[visitor]
    is_repeat = np.concatenate(events.is_repeat)[kept]
    out["flags"] = _flags(visitors, sessions, views, view, out, is_repeat)
    return out


def _lifetime(sessions: Sessions, views: PageViews) -> Ints:
    """Cents that the person had spent up to and including each page view."""
    visitor = sessions.visitor[views.session]
    order = np.lexsort((views.start, visitor))
    spent = np.where(views.outcome == PURCHASED, views.value, 0)[order]
    running = np.cumsum(spent)
    first = np.searchsorted(visitor[order], visitor[order], side="left")
    lifetime = np.empty_like(running)
    lifetime[order] = running - (running - spent)[first]
    return lifetime


def _flags(
    visitors: Visitors,
    sessions: Sessions,
    views: PageViews,
    view: Ints,
    out: Records,
    is_repeat: Bools,
) -> Ints:
    """The flag bits of every event."""
    session = views.session[view]
    visitor = sessions.visitor[session]
    stayed = np.bincount(views.session, weights=views.dwell) >= 10
    several = np.bincount(views.session) >= 2
    engaged = (stayed | several) & ~visitors.is_bot[sessions.visitor]
    login_at = np.zeros(len(sessions.visitor), dtype=np.int64)
    opening = np.flatnonzero(views.is_first & (sessions.number[views.session] == 1))
    wait = (views.dwell[opening] * LOGIN_MOMENT * MICROSECONDS).astype(np.int64)
    login_at[views.session[opening]] = views.start[opening] + wait
    logged_in = visitors.logs_in[visitor] & (out["timestamp"] >= login_at[session])
    is_first = views.is_first[view]
    bits: tuple[tuple[int, Bools], ...] = (
        (rec.NO_CONSENT, visitors.has_no_consent[visitor]),
        (rec.INTERNAL, visitors.is_internal[visitor]),
        (rec.SERVER_SIDE, visitors.is_server_side[visitor]),
        (rec.BOT, visitors.is_bot[visitor]),
        (rec.LOGGED_IN, logged_in),
        (rec.EMAIL_ID, _has_email_id(visitors.person)[visitor]),
        (rec.REPEATED, is_repeat),
        (rec.ENGAGED, engaged[session]),
        (rec.FIRST_PAGE, is_first),
        (rec.FIRST_BATCH, is_first & (out["ordering"] == 1)),
        (rec.NO_ORDER_ID, _has_no_order_id(out["order"])),
        (rec.BARE_HOST, mixed(out["session_second"], 6) % np.uint64(5) == 0),
    )
    flags = np.zeros(len(view), dtype=np.int64)
    for bit, holds in bits:
        flags |= np.where(holds, bit, 0)
    return flags


def _has_email_id(person: Ints) -> Bools:
    return drawn(person.astype(np.uint64), 7, round(settings.EMAIL_USER_ID_SHARE * 1_000_000))


def _has_no_order_id(order: Ints) -> Bools:
    share = round(settings.NO_TRANSACTION_ID_SHARE * 1_000_000)
    return (order >= 0) & drawn(order.astype(np.uint64), 8, share)


def _pushes(rng: np.random.Generator, visitors: Visitors, sessions: Sessions) -> Records:
    """Push messages at exponential clock times after the first visit, whatever the person does."""
    n = len(visitors.person)
    first = np.searchsorted(sessions.visitor, np.arange(n), side="left")
    wait = rng.exponential(settings.PUSH_MEAN_DAYS, n) * SECONDS_PER_DAY
    subscribed = rng.random(n) < settings.PUSH_SUBSCRIBER_SHARE
    in_life = wait < settings.MAX_LIFE_DAYS * SECONDS_PER_DAY
    chosen = np.flatnonzero(subscribed & in_life & ~visitors.is_bot & ~visitors.has_no_consent)
    first = first[chosen]
    out = rec.empty_records(len(chosen))
    out["first_touch"] = start_microseconds(sessions)[first]
    out["timestamp"] = out["first_touch"] + (wait[chosen] * MICROSECONDS).astype(np.int64)
    out["event"] = EVENT["push_received"]
    out["cookie"] = visitors.person[chosen] * 2
    out["first_campaign"] = sessions.collected[first]
    out["place"] = visitors.place[chosen]
    out["order"] = -1
    internal = np.where(visitors.is_internal[chosen], rec.INTERNAL, 0)
    return _off_session(out, rec.OFF_SESSION | internal)


def _refunds(rng: np.random.Generator, in_session: Records) -> Records:
    """Refunds of some purchases, days later, sent by the shop's back office."""
    is_purchase = (in_session["event"] == EVENT["purchase"]) & ~rec.has(in_session, rec.REPEATED)
    bought = in_session[is_purchase]
    out = bought[rng.random(len(bought)) < settings.REFUND_SHARE]
    n = len(out)
    out["timestamp"] += (rng.uniform(2.0, 12.0, n) * SECONDS_PER_DAY * MICROSECONDS).astype(
        np.int64
    )
    part = np.where(rng.random(n) < settings.PARTIAL_REFUND_SHARE, rng.uniform(0.3, 0.7, n), 1.0)
    out["value"] = np.round(out["value"] * part)
    out["event"] = EVENT["refund"]
    kept = rec.NO_CONSENT | rec.INTERNAL | rec.SERVER_SIDE | rec.NO_ORDER_ID
    return _off_session(out, (out["flags"] & kept) | rec.OFF_SESSION)


def _off_session(out: Records, flags: Ints | int) -> Records:
    """Take page and session away: what a Measurement Protocol hit carries."""
    out["flags"] = flags
    out["page"] = NO_PAGE
    out["previous"] = NO_PAGE
    out["page_at"] = 0
    out["session_second"] = 0
    out["session_number"] = 0
    out["engagement"] = 0
    out["ordering"] = 0
    out["batch_index"] = 0
    out["collected"] = shop.DIRECT
    return out
