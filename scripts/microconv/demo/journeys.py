"""Visitors of the verticals other than the shop: who enters a journey, and how far each gets.

A journey is a chain of steps with planted rates. Nobody enters one twice, so that the rate of a
step is also the rate by visitor. The order of drawing matters: small actions come first and know
nothing of the journey; the chance of entering is then computed page by page from what the person
did on EARLIER pages. From the entry on only the planted rates decide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from microconv.demo.arrays import Bools, Floats, Ints, any_before
from microconv.demo.browsing import NOTHING, PURCHASED, draw_page_counts, durations
from microconv.demo.cohorts import Chunk
from microconv.demo.happenings import LOGIN_MOMENT, Happenings, add_attention, add_page_loads
from microconv.demo.local_time import MICROSECONDS
from microconv.demo.packing import Window, pack
from microconv.demo.page_views import CARTS_PER_PERSON, NO_PAGE, PageViews
from microconv.demo.records import Records
from microconv.demo.steps import Walk, follow
from microconv.demo.vertical import Journey, LongReads, SimulatedVertical
from microconv.demo.visitors import (
    Sessions,
    Visitors,
    come_by_mail,
    draw_sessions,
    draw_visitors,
    session_starts,
    start_microseconds,
)


@dataclass(frozen=True)
class Entries:
    """Who enters a journey: the page, and how many of its steps happen (the entry included)."""

    journey: Journey
    page: Ints
    reach: Ints


@dataclass
class Pages:
    """Browsed pages in order of person, session and time."""

    session: Ints
    visitor: Ints
    is_mobile: Bools
    is_human: Bools
    dwell: Floats
    kind: Ints
    did: dict[str, Bools]

    @property
    def visitor_first(self) -> Ints:
        """The index of the first page of the same person."""
        return np.searchsorted(self.visitor, self.visitor, side="left")

    @property
    def session_first(self) -> Ints:
        """The index of the first page of the same session."""
        return np.searchsorted(self.session, self.session, side="left")


def simulate_journeys(
    chunk: Chunk, window: Window, vertical: SimulatedVertical, *, intent_sd: float
) -> Records:
    """The chunk's visitors' events, unsorted."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(chunk.seed)))
    site = vertical.site
    person = chunk.first_person + np.arange(chunk.count, dtype=np.int64)
    visitors = draw_visitors(rng, person, intent_sd, chunk.count, site)
    nobody = np.zeros(chunk.count, dtype=np.bool_)
    if "login" not in site.events:
        visitors = replace(visitors, logs_in=nobody, has_two_devices=nobody)
    if any(journey.entry_rate is None for journey in vertical.journeys):
        # A second device would be a second arrival, with no further step.
        visitors = replace(visitors, has_two_devices=nobody)
    planned = draw_sessions(rng, visitors, site)
    if vertical.mail_readers:
        planned = come_by_mail(rng, visitors, planned, vertical.mail_readers, site)
    counts, dwell = draw_page_counts(rng, visitors, planned)
    start = session_starts(rng, planned, chunk.day, durations(counts, dwell))
    sessions = replace(planned, start=start)
    pages = _browse(rng, vertical, visitors, sessions, counts, dwell)
    # The hidden intent of a visitor leaves the mean chance of entering as it is planted.
    eager = np.exp(visitors.intent - intent_sd**2 / 2)[pages.visitor]
    entries = [_enter(rng, vertical, journey, pages, eager) for journey in vertical.journeys]
    pages, entries = _stay_away(pages, entries)
    _see_no_step_twice(vertical, pages, entries)
    if vertical.long_reads:
        pages.dwell = _read_long(rng, vertical.long_reads, pages)
    views, walks = _views(rng, vertical, sessions, pages, entries, person)
    events = Happenings(site.events)
    views, sessions, off_session = follow(rng, events, visitors, sessions, views, walks, site)
    _collect(rng, vertical, events, visitors, sessions, pages, views)
    return np.concatenate([pack(visitors, sessions, views, events, window, site), off_session])


def _browse(
    rng: np.random.Generator,
    vertical: SimulatedVertical,
    visitors: Visitors,
    sessions: Sessions,
    counts: Ints,
    dwell: Floats,
) -> Pages:
    """Pages and small actions; an action puts the person on the page where it can happen."""
    session = np.repeat(np.arange(len(counts)), counts)
    visitor = sessions.visitor[session]
    n = len(session)
    pages = Pages(
        session=session,
        visitor=visitor,
        is_mobile=vertical.site.is_mobile[sessions.device[session]],
        is_human=~visitors.is_bot[visitor],
        dwell=dwell,
        kind=np.zeros(n, dtype=np.int64),
        did={},
    )
    kinds = np.array([one.kind for one in vertical.browsed])
    landing = pages.session_first == np.arange(n)
    first = rng.choice(kinds, n, p=[one.landing for one in vertical.browsed])
    later = rng.choice(kinds, n, p=[one.later for one in vertical.browsed])
    pages.kind = np.where(landing, first, later)
    for action in vertical.actions:
        rate = action.rate * np.where(pages.is_mobile, action.mobile_ratio, 1.0)
        did = (rng.random(n) < rate) & pages.is_human
        if action.is_once:
            did &= ~any_before(did, pages.visitor_first)
        pages.did[action.event] = did
        if action.kind is not None:
            pages.kind = np.where(did, action.kind, pages.kind)
    return pages


def _enter(
    rng: np.random.Generator,
    vertical: SimulatedVertical,
    journey: Journey,
    pages: Pages,
    eager: Floats,
) -> Entries:
    """Who enters a journey where, and how far each gets."""
    n, first = len(pages.session), pages.visitor_first
    if journey.entry_rate is None:
        nth = pages.session - pages.session[first] + 1
        enters = (pages.session_first == np.arange(n)) & (nth == journey.visit) & pages.is_human
    else:
        chance = journey.entry_rate * eager * np.where(pages.is_mobile, journey.mobile_ratio, 1.0)
        for action in vertical.actions:
            if action.raises == journey.name:
                before = any_before(pages.did[action.event], first)
                chance = chance * np.where(before, action.rate_ratio, 1.0)
        enters = (rng.random(n) < chance) & pages.is_human
        enters &= ~any_before(enters, first)
    page = np.flatnonzero(enters)
    rates = np.array([step.rate for step in journey.steps[1:]])
    goes_on = rng.random((len(page), len(rates))) < rates
    reach = 1 + np.cumprod(goes_on, axis=1).sum(axis=1)
    if journey.steps[0].kind is not None:
        pages.kind[page] = journey.steps[0].kind
    return Entries(journey, page, reach.astype(np.int64))


def _stay_away(pages: Pages, entries: list[Entries]) -> tuple[Pages, list[Entries]]:
    """Whoever comes back for a later step does not browse any more after the visit of the entry."""
    last = np.full(int(pages.visitor.max()) + 1, np.iinfo(np.int64).max)
    for one in entries:
        comes_back = one.reach > one.journey.first_return
        page = one.page[comes_back]
        last[pages.visitor[page]] = pages.session[page]
    kept = pages.session <= last[pages.visitor]
    place = np.cumsum(kept) - 1
    still = [
        replace(one, page=place[one.page[kept[one.page]]], reach=one.reach[kept[one.page]])
        for one in entries
    ]
    did = {event: flags[kept] for event, flags in pages.did.items()}
    arrays = {
        name: getattr(pages, name)[kept]
        for name in ("session", "visitor", "is_mobile", "is_human", "dwell", "kind")
    }
    return Pages(**arrays, did=did), still


def _see_no_step_twice(vertical: SimulatedVertical, pages: Pages, entries: list[Entries]) -> None:
    """Pages that are steps are browsed freely before the entry only: else chance would add to the
    planted rates.
    """
    n, first = len(pages.session), pages.visitor_first
    for one in entries:
        entered = np.zeros(n, dtype=np.bool_)
        entered[one.page] = True
        steps = [step.kind for step in one.journey.steps[1:] if step.kind is not None]
        again = any_before(entered, first) & np.isin(pages.kind, steps)
        pages.kind[again] = vertical.browsed[0].kind


# The engaged time is between half and 0.95 of the time on a page; a scroll alone has two fifths.
_MOST_ENGAGED, _LEAST_ENGAGED, _SCROLL_SHARE = 0.95, 0.5, 0.4


def _read_long(rng: np.random.Generator, reads: LongReads, pages: Pages) -> Floats:
    """Seconds on each page: a share of the pages of a kind is read for long, no other one is."""
    least = reads.seconds / _LEAST_ENGAGED
    most = reads.seconds / (_MOST_ENGAGED * _SCROLL_SHARE)
    n = len(pages.dwell)
    is_long = rng.random(n) < reads.share
    long, short = rng.uniform(least * 1.05, most * 0.95, n), reads.seconds * 0.95
    here = (pages.kind == reads.kind) & pages.is_human
    read = np.where(is_long, long, np.minimum(pages.dwell, short))
    return np.where(here, read, pages.dwell)


def _views(
    rng: np.random.Generator,
    vertical: SimulatedVertical,
    sessions: Sessions,
    pages: Pages,
    entries: list[Entries],
    person: Ints,
) -> tuple[PageViews, list[Walk]]:
    """Page views of the browsed pages, with the time that the steps on them take."""
    site, n = vertical.site, len(pages.session)
    steps_take = np.zeros(n)
    walks = []
    for one in entries:
        gaps = np.minimum(np.exp(rng.normal(2.9, 0.5, (len(one.page), one.journey.length))), 120.0)
        here = np.arange(one.journey.length)
        on_page = (here >= 1) & (here < one.journey.first_wait)
        done = on_page[None, :] & (here[None, :] < one.reach[:, None])
        began = pages.dwell[one.page] + steps_take[one.page]
        steps_take[one.page] += (gaps * done).sum(axis=1)
        walks.append(Walk(one.journey, one.page, one.reach, gaps, began))
    first = pages.session_first
    dwell = pages.dwell + steps_take
    elapsed = np.cumsum(dwell) - dwell
    micros = ((elapsed - elapsed[first]) * MICROSECONDS).astype(np.int64)
    within = (rng.random(n) * site.page_count[pages.kind]).astype(np.int64)
    page = site.first_page[pages.kind] + within
    is_first = first == np.arange(n)
    previous = np.full(n, NO_PAGE, dtype=np.int64)
    previous[1:] = np.where(is_first[1:], NO_PAGE, page[:-1])
    product = rng.integers(0, len(site.product_cents), n)
    outcome = np.full(n, NOTHING, dtype=np.int64)
    for walk in walks:
        for place in walk.journey.sales(before_wait=True):
            outcome[walk.view[walk.reach > place]] = PURCHASED
    views = PageViews(
        session=pages.session,
        is_status=np.zeros(n, dtype=np.bool_),
        browsed=np.arange(n),
        outcome=outcome,
        page=page,
        previous=previous,
        is_first=is_first,
        start=start_microseconds(sessions)[pages.session] + micros,
        dwell=dwell,
        checkout=steps_take,
        value=site.product_cents[product],
        items=np.ones(n, dtype=np.int64),
        product=product,
        order=person[pages.visitor] * CARTS_PER_PERSON,
    )
    return views, walks


def _collect(
    rng: np.random.Generator,
    vertical: SimulatedVertical,
    events: Happenings,
    visitors: Visitors,
    sessions: Sessions,
    pages: Pages,
    views: PageViews,
) -> None:
    """Page loads, attention, small actions and log-ins; the steps are there already."""
    kind = vertical.site.page_kind[views.page]
    shows = [(event, kind == shown) for event, shown in vertical.shows]
    add_page_loads(events, visitors, sessions, views, shows)
    add_attention(rng, events, views, ~visitors.is_bot[sessions.visitor[views.session]])
    browsed, before = len(pages.session), views.before_cart
    for place, action in enumerate(vertical.actions):
        view = np.flatnonzero(pages.did[action.event])
        seconds = before[view] * (0.25 + 0.03 * place)
        events.add(action.event, view, seconds=seconds, ordering=3, engagement=150.0)
        for share, event in action.then:
            view = view[rng.random(len(view)) < share]
            events.add(event, view, seconds=before[view] * (0.6 + 0.03 * place), ordering=4)
    if "login" in events.events:
        person = sessions.visitor[views.session]
        opening = views.is_first & (sessions.number[views.session] == 1)
        view = np.flatnonzero(opening & visitors.logs_in[person])
        view = view[view < browsed]
        seconds = views.dwell[view] * LOGIN_MOMENT
        events.add("login", view, seconds=seconds, ordering=7, engagement=700.0)
