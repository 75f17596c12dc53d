"""Packs events with their page view, session and person into records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microconv.demo import records as rec
from microconv.demo import settings
from microconv.demo.arrays import Bools, Ints, drawn, mixed
from microconv.demo.browsing import PURCHASED
from microconv.demo.happenings import LOGIN_MOMENT, Happenings
from microconv.demo.local_time import MICROSECONDS
from microconv.demo.page_views import NO_PAGE, PageViews
from microconv.demo.records import Records
from microconv.demo.site import Site
from microconv.demo.visitors import Sessions, Visitors, of_first_session, start_microseconds

_CART_EVENTS = (
    "add_to_cart",
    "view_cart",
    "begin_checkout",
    "add_shipping_info",
    "add_payment_info",
    "purchase",
    "view_order_status",
)


@dataclass(frozen=True)
class Window:
    """The exported days as UTC microseconds, `start` included and `stop` not."""

    start: int
    stop: int


def _in_window(
    views: PageViews, events: Happenings, window: Window, site: Site
) -> tuple[Ints, Ints, Ints]:
    """Indices of the events worth packing, and the view and timestamp of every event.

    Purchases are kept whenever they were, because their refunds may still fall into the window.
    """
    view = np.concatenate(events.view)
    timestamp = views.start[view] + np.concatenate(events.offset)
    inside = (timestamp >= window.start) & (timestamp < window.stop)
    bought = np.concatenate(events.event) == site.code("purchase")
    return np.flatnonzero(inside | bought), view, timestamp


def pack(
    visitors: Visitors,
    sessions: Sessions,
    views: PageViews,
    events: Happenings,
    window: Window,
    site: Site,
) -> Records:
    """Gather the events' view, session and person into records."""
    kept, every_view, timestamp = _in_window(views, events, window, site)
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
    in_cart = np.isin(event, site.codes((*_CART_EVENTS, *site.order_events)))
    out["order"] = np.where(in_cart, views.order[view], -1)
    listed = site.product_cents[views.product[view]]
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
    n = len(sessions.visitor)
    stayed = np.bincount(views.session, weights=views.dwell, minlength=n) >= 10
    several = np.bincount(views.session, minlength=n) >= 2
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


def off_session(out: Records, flags: Ints | int, site: Site) -> Records:
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
    out["collected"] = site.direct
    return out
