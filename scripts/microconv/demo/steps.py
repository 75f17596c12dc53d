"""The steps of journeys: on the page of the entry, on later visits, and without any visit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from microconv.demo import records as rec
from microconv.demo import settings
from microconv.demo.arrays import Bools, Floats, Ints
from microconv.demo.browsing import NOTHING, PURCHASED
from microconv.demo.happenings import Happenings
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY
from microconv.demo.packing import off_session
from microconv.demo.page_views import NO_PAGE, PageViews, joined_sessions, joined_views
from microconv.demo.records import Records
from microconv.demo.site import Site
from microconv.demo.vertical import Journey
from microconv.demo.visitors import Sessions, Visitors, of_first_session, start_microseconds


@dataclass
class Walk:
    """People on their way through a journey.

    `view` is the page view that each is on, `reach` the number of steps that happen, `gaps` the
    seconds before each step, `clock` the seconds on the view at which the step before happened.
    """

    journey: Journey
    view: Ints
    reach: Ints
    gaps: Floats
    clock: Floats


def follow(
    rng: np.random.Generator,
    events: Happenings,
    visitors: Visitors,
    sessions: Sessions,
    views: PageViews,
    walks: list[Walk],
    site: Site,
) -> tuple[PageViews, Sessions, Records]:
    """Let the steps happen; returns all page views and sessions, and the events without a visit."""
    without_visit = [rec.empty_records(0)]
    for walk in walks:
        # Where the visit of each stands: when it is over, and how many visits came before it.
        over = _session_ends(views, len(sessions.visitor))[views.session[walk.view]]
        number = sessions.number[views.session[walk.view]]
        for place, step in enumerate(walk.journey.steps):
            chosen = np.flatnonzero(walk.reach > place)
            if step.wait_days is not None:
                mean, most = step.wait_days
                wait = np.minimum(rng.exponential(mean, len(chosen)), most) * SECONDS_PER_DAY
                over[chosen] += settings.SAME_SITTING_SECONDS + wait
            if step.is_off_session:
                found = _records(visitors, sessions, views, walk.view[chosen], over[chosen], site)
                for event in step.events:
                    found["event"] = site.code(event)
                    without_visit.append(found.copy())
                continue
            if step.wait_days is not None:
                number[chosen] += 1
                visits = _visits(walk, chosen, over, number, sessions, views, site)
                fresh = _return(rng, walk, place, chosen, visits, views, site)
                fresh = replace(fresh, session=len(sessions.visitor) + fresh.session)
                walk.view[chosen] = len(views.session) + np.arange(len(chosen))
                views, sessions = joined_views(views, fresh), joined_sessions(sessions, visits)
                over[chosen] = visits.start + fresh.dwell
            elif place:
                walk.clock[chosen] += walk.gaps[chosen, place]
            _add_step(events, walk, place, chosen, views, site)
    return views, sessions, np.concatenate(without_visit)


def _session_ends(views: PageViews, count: int) -> Floats:
    """The UTC second at which each session is over."""
    ends = np.zeros(count)
    np.maximum.at(ends, views.session, views.start / MICROSECONDS + views.dwell)
    return ends


def _add_step(
    events: Happenings, walk: Walk, place: int, chosen: Ints, views: PageViews, site: Site
) -> None:
    """The events of a step. The page load is the entry itself where its event is a page view."""
    step = walk.journey.steps[place]
    page = NO_PAGE if step.kind is None else int(site.first_page[step.kind])
    view = walk.view[chosen]
    for nth, event in enumerate(step.events):
        if place == 0:
            seconds = views.before_cart[view] * (0.5 + 0.1 * nth)
        else:
            seconds = walk.clock[chosen] * 0.97 + 0.2 * nth
        shown = NO_PAGE if place == 0 else page
        events.add(event, view, seconds=seconds, ordering=8 + place, engagement=900.0, page=shown)


def _visits(
    walk: Walk,
    chosen: Ints,
    over: Floats,
    number: Ints,
    sessions: Sessions,
    views: PageViews,
    site: Site,
) -> Sessions:
    """Later visits on the device of the entry, which begin when `over` says."""
    came_in = views.session[walk.view[chosen]]
    none: Ints = np.zeros(len(chosen), dtype=np.int64)
    return Sessions(
        visitor=sessions.visitor[came_in],
        first_index=none,
        slot=sessions.slot[came_in],
        number=number[chosen],
        collected=np.full(len(chosen), site.direct, dtype=np.int64),
        last_click=sessions.last_click[came_in],
        device=sessions.device[came_in],
        day_offset=none,
        time_of_day=none,
        start=np.ceil(over[chosen]).astype(np.int64),
    )


def _return(
    rng: np.random.Generator,
    walk: Walk,
    place: int,
    chosen: Ints,
    visits: Sessions,
    views: PageViews,
    site: Site,
) -> PageViews:
    """One page view per visit, on which the steps up to the next wait happen."""
    journey, n, view = walk.journey, len(chosen), walk.view[chosen]
    waits = [at for at in range(place + 1, journey.length) if journey.steps[at].wait_days]
    block = np.arange(place, min(waits, default=journey.length))
    done = block[None, :] < walk.reach[chosen][:, None]
    take = (walk.gaps[chosen][:, block] * done).sum(axis=1)
    base = rng.uniform(12.0, 70.0, n)
    walk.clock[chosen] = base + walk.gaps[chosen, place]
    sales = [at for at in block if journey.steps[at].is_sale]
    sells = (walk.reach[chosen][:, None] > np.array(sales, dtype=np.int64)).any(axis=1)
    kind = journey.steps[place].kind
    page = site.first_page[0 if kind is None else kind]
    return PageViews(
        session=np.arange(n),
        is_status=np.ones(n, dtype=np.bool_),
        browsed=views.browsed[view],
        outcome=np.where(sells, PURCHASED, NOTHING),
        page=np.full(n, page, dtype=np.int64),
        previous=np.full(n, NO_PAGE, dtype=np.int64),
        is_first=np.ones(n, dtype=np.bool_),
        start=start_microseconds(visits),
        dwell=base + take,
        checkout=take,
        value=views.value[view],
        items=views.items[view],
        product=views.product[view],
        order=views.order[view],
    )


def _records(
    visitors: Visitors,
    sessions: Sessions,
    views: PageViews,
    view: Ints,
    second: Floats,
    site: Site,
) -> Records:
    """Hits without a visit, of people who let themselves be measured."""
    session = views.session[view]
    visitor = sessions.visitor[session]
    known: Bools = ~visitors.has_no_consent[visitor]
    view, session, visitor, second = view[known], session[known], visitor[known], second[known]
    out = rec.empty_records(len(view))
    out["first_touch"] = of_first_session(sessions, start_microseconds(sessions))[session]
    out["timestamp"] = (second * MICROSECONDS).astype(np.int64)
    out["cookie"] = visitors.person[visitor] * 2 + sessions.slot[session]
    out["first_campaign"] = of_first_session(sessions, sessions.collected)[session]
    out["place"] = visitors.place[visitor]
    out["value"] = views.value[view]
    out["order"] = -1
    internal = np.where(visitors.is_internal[visitor], rec.INTERNAL, 0)
    return off_session(out, rec.OFF_SESSION | internal, site)
