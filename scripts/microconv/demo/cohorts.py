"""One chunk of visitors from first visit to last event, as compact records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from microconv.demo import records as rec
from microconv.demo import settings, shop
from microconv.demo.browsing import Rates, browse, draw_page_counts, durations
from microconv.demo.experiments import site_with
from microconv.demo.happenings import collect
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY
from microconv.demo.packing import Window, off_session, pack
from microconv.demo.page_views import (
    joined_sessions,
    joined_views,
    order_status_visits,
    page_views_of,
)
from microconv.demo.records import Records
from microconv.demo.visitors import (
    Sessions,
    Visitors,
    draw_sessions,
    draw_visitors,
    session_starts,
    start_microseconds,
)


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


def simulate(
    chunk: Chunk,
    window: Window,
    *,
    intent_sd: float,
    rates: Rates,
    outage_days: tuple[int, int] | None,
) -> Records:
    """The chunk's visitors' events, unsorted; about 19 per visitor whose life is in the window."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(chunk.seed)))
    person = chunk.first_person + np.arange(chunk.count, dtype=np.int64)
    visitors = draw_visitors(rng, person, intent_sd, chunk.shifted_from, shop.SITE)
    planned = draw_sessions(rng, visitors, shop.SITE)
    pages, dwell = draw_page_counts(rng, visitors, planned)
    start = session_starts(rng, planned, chunk.day, durations(pages, dwell))
    sessions = replace(planned, start=start)
    browsing = browse(rng, visitors, sessions, pages, dwell, rates)
    views = page_views_of(rng, browsing, sessions, person)
    pushes = _pushes(rng, visitors, sessions)
    status_views, status_sessions = order_status_visits(rng, views, sessions, window.start)
    views = joined_views(views, status_views)
    sessions = joined_sessions(sessions, status_sessions)
    events = collect(rng, visitors, sessions, browsing, views, outage_days, rates.experiments)
    site = site_with(rates.experiments)
    in_session = pack(visitors, sessions, views, events, window, site)
    refunds = _refunds(rng, in_session)
    return np.concatenate([in_session, pushes, refunds])


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
    out["event"] = shop.SITE.code("push_received")
    out["cookie"] = visitors.person[chosen] * 2
    out["first_campaign"] = sessions.collected[first]
    out["place"] = visitors.place[chosen]
    out["order"] = -1
    internal = np.where(visitors.is_internal[chosen], rec.INTERNAL, 0)
    return off_session(out, rec.OFF_SESSION | internal, shop.SITE)


def _refunds(rng: np.random.Generator, in_session: Records) -> Records:
    """Refunds of some purchases, days later, sent by the shop's back office."""
    is_sale = in_session["event"] == shop.SITE.code("purchase")
    bought = in_session[is_sale & ~rec.has(in_session, rec.REPEATED)]
    out = bought[rng.random(len(bought)) < settings.REFUND_SHARE]
    n = len(out)
    out["timestamp"] += (rng.uniform(2.0, 12.0, n) * SECONDS_PER_DAY * MICROSECONDS).astype(
        np.int64
    )
    part = np.where(rng.random(n) < settings.PARTIAL_REFUND_SHARE, rng.uniform(0.3, 0.7, n), 1.0)
    out["value"] = np.round(out["value"] * part)
    out["event"] = shop.SITE.code("refund")
    kept = rec.NO_CONSENT | rec.INTERNAL | rec.SERVER_SIDE | rec.NO_ORDER_ID
    return off_session(out, (out["flags"] & kept) | rec.OFF_SESSION, shop.SITE)
