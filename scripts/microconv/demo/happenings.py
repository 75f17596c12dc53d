"""Events of page views: which fire, when, in which request of the page and in which order.

Events of one request share their timestamp to the microsecond, as GA4 batches them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Floats, Ints, drawn, mixed
from microconv.demo.browsing import (
    ACTIONS,
    CART_ADD,
    CART_VIEW,
    CHECKOUT_BEGUN,
    PAYMENT_ADDED,
    PURCHASED,
    SHIPPING_ADDED,
    Browsing,
)
from microconv.demo.experiments import Planted, add_exposures, site_with
from microconv.demo.local_time import MICROSECONDS, local_day_numbers
from microconv.demo.page_views import NO_PAGE, PageViews
from microconv.demo.visitors import Sessions, Visitors


@dataclass
class Happenings:
    """Events as parallel lists of arrays: page view index, event code, offset and place in page.

    `offset` is microseconds after the page view's start, `engagement` milliseconds; `page` is the
    page in the address bar where that is not the page view's own, else `NO_PAGE`; `events` gives
    the code of each event that the site has.
    """

    events: Mapping[str, int]
    view: list[Ints] = field(default_factory=list)
    event: list[Ints] = field(default_factory=list)
    offset: list[Ints] = field(default_factory=list)
    ordering: list[Ints] = field(default_factory=list)
    batch_index: list[Ints] = field(default_factory=list)
    engagement: list[Ints] = field(default_factory=list)
    is_repeat: list[Bools] = field(default_factory=list)
    page: list[Ints] = field(default_factory=list)

    def add(
        self,
        name: str,
        view: Ints,
        *,
        seconds: Floats | float = 0.0,
        ordering: int = 1,
        batch_index: Ints | int = 1,
        engagement: Floats | float = 0.0,
        is_repeat: bool = False,
        page: int = NO_PAGE,
    ) -> None:
        """Let event `name` happen on the page views `view`, `seconds` after their start."""
        n = len(view)
        self.view.append(view)
        self.event.append(np.full(n, self.events[name], dtype=np.int64))
        micros = np.broadcast_to(np.asarray(seconds) * MICROSECONDS, (n,))
        self.offset.append(micros.astype(np.int64))
        self.ordering.append(np.full(n, ordering, dtype=np.int64))
        self.batch_index.append(np.broadcast_to(np.asarray(batch_index), (n,)).astype(np.int64))
        self.engagement.append(np.broadcast_to(np.asarray(engagement), (n,)).astype(np.int64))
        self.is_repeat.append(np.full(n, is_repeat, dtype=np.bool_))
        self.page.append(np.full(n, page, dtype=np.int64))


def collect(
    rng: np.random.Generator,
    visitors: Visitors,
    sessions: Sessions,
    browsing: Browsing,
    views: PageViews,
    outage_days: tuple[int, int] | None,
    experiments: tuple[Planted, ...] = (),
) -> Happenings:
    """All events of the page views; on `outage_days` one tag is broken and sends nothing."""
    out = Happenings(site_with(experiments).events)
    person = sessions.visitor[views.session]
    is_human = ~visitors.is_bot[person]
    kind = shop.PAGE_KIND[views.page]
    shows = (
        ("view_item", kind == shop.PRODUCT),
        ("view_item_list", kind == shop.CATEGORY),
        ("view_search_results", kind == shop.SEARCH),
        ("view_cart", kind == shop.CART),
        ("view_order_status", views.is_status),
    )
    add_page_loads(out, visitors, sessions, views, shows)
    add_attention(rng, out, views, is_human)
    _add_actions(rng, out, browsing, views)
    _add_list_clicks(out, views, is_human)
    _add_checkout(rng, out, views, outage_days)
    _add_account(out, visitors, sessions, views)
    add_exposures(out, experiments, visitors, sessions, views)
    return out


def add_page_loads(
    out: Happenings,
    visitors: Visitors,
    sessions: Sessions,
    views: PageViews,
    shows: Sequence[tuple[str, Bools]],
) -> None:
    """The request of the page load: session_start, first_visit, page_view, then what it shows.

    In an app the first opening and the screen take the place of the first visit and the page.
    """
    is_app = "screen_view" in out.events
    visitor = sessions.visitor[views.session]
    key = mixed(views.start, 3)
    # Without consent GA4 sends no session events; elsewhere some are lost.
    announced = views.is_first & ~visitors.has_no_consent[visitor]
    opens = announced & ~drawn(key, 4, settings.MISSING_SESSION_START_PER_MILLION)
    arrives = announced & (sessions.number[views.session] == 1)
    before = opens.astype(np.int64) + arrives
    out.add("session_start", np.flatnonzero(opens))
    arrival = "first_open" if is_app else "first_visit"
    out.add(arrival, np.flatnonzero(arrives), batch_index=1 + opens[arrives])
    everything = np.arange(len(views.page))
    out.add("screen_view" if is_app else "page_view", everything, batch_index=before + 1)
    for name, mask in shows:
        view = np.flatnonzero(mask)
        out.add(name, view, batch_index=before[view] + 2)


def add_attention(
    rng: np.random.Generator, out: Happenings, views: PageViews, is_human: Bools
) -> None:
    """Scrolls to 90 % (where there are any) and the engaged time; robots have neither."""
    n = len(views.page)
    active = views.dwell * rng.uniform(0.5, 0.95, n) * 1000
    scrolls = is_human & (rng.random(n) < 0.42) & (views.dwell > 3)
    stays = is_human & (views.dwell > 10) & (rng.random(n) < settings.STAYING_SHARE)
    if "scroll" not in out.events:
        scrolls &= False
    else:
        view = np.flatnonzero(scrolls)
        out.add(
            "scroll",
            view,
            seconds=views.before_cart[view] * 0.4,
            ordering=2,
            engagement=active[view] * 0.4,
        )
    view = np.flatnonzero(stays)
    rest = active[view] * np.where(scrolls[view], 0.6, 1.0)
    out.add("user_engagement", view, seconds=views.dwell[view] * 0.99, ordering=16, engagement=rest)


def _add_actions(
    rng: np.random.Generator, out: Happenings, browsing: Browsing, views: PageViews
) -> None:
    """Small actions on browsed pages."""
    browsed, before_cart = ~views.is_status, views.before_cart
    for place, name in enumerate(ACTIONS):
        view = np.flatnonzero(browsed & browsing.did[name][views.browsed])
        seconds = before_cart[view] * (0.1 if name == "banner_impression" else 0.25 + 0.05 * place)
        out.add(name, view, seconds=seconds, ordering=3, engagement=150.0)
        if name == "video_start":
            watched = rng.random(len(view))
            half, full = view[watched < 0.7], view[watched < 0.4]
            out.add("video_progress", half, seconds=before_cart[half] * 0.6, ordering=4)
            out.add("video_complete", full, seconds=before_cart[full] * 0.9, ordering=5)


def _add_list_clicks(out: Happenings, views: PageViews, is_human: Bools) -> None:
    """The click that leads from a category's list to the article on the next page."""
    kind = shop.PAGE_KIND[views.page]
    clicks = (kind[:-1] == shop.CATEGORY) & (kind[1:] == shop.PRODUCT) & ~views.is_first[1:]
    view = np.flatnonzero(clicks & is_human[:-1])
    out.add("select_item", view, seconds=views.dwell[view] * 0.98, ordering=17, engagement=90.0)


_STEPS = (
    (CART_VIEW, "view_cart", shop.CART, 0.05),
    (CHECKOUT_BEGUN, "begin_checkout", shop.CHECKOUT, 0.2),
    (SHIPPING_ADDED, "add_shipping_info", shop.CHECKOUT, 0.5),
    (PAYMENT_ADDED, "add_payment_info", shop.CHECKOUT, 0.75),
    (PURCHASED, "purchase", shop.CONFIRMATION, 0.9),
)
"""Outcome from which a step happens, its event, the page in the address bar, share of the time."""


def _add_checkout(
    rng: np.random.Generator, out: Happenings, views: PageViews, outage_days: tuple[int, int] | None
) -> None:
    """The steps of a cart, as far as its outcome reaches, and reloads of the confirmation page."""
    adds = np.flatnonzero(views.outcome >= CART_ADD)
    before_cart = views.before_cart
    out.add("add_to_cart", adds, seconds=before_cart[adds] * 0.8, ordering=6, engagement=400.0)
    for place, (reached, name, kind, share) in enumerate(_STEPS):
        view = np.flatnonzero(views.outcome >= reached)
        seconds = before_cart[view] + views.checkout[view] * share
        if name == settings.OUTAGE_EVENT and outage_days is not None:
            moment = views.start[view] + (seconds * MICROSECONDS).astype(np.int64)
            days = local_day_numbers(moment)
            arrives = (days < outage_days[0]) | (days > outage_days[1])
            view, seconds = view[arrives], seconds[arrives]
        page = int(shop.FIRST_PAGE[kind])
        out.add(name, view, seconds=seconds, ordering=10 + place, engagement=900.0, page=page)
    bought = np.flatnonzero(views.outcome == PURCHASED)
    again = bought[rng.random(len(bought)) < settings.REPEATED_PURCHASE_SHARE]
    seconds = before_cart[again] + views.checkout[again] * 0.95
    page = int(shop.FIRST_PAGE[shop.CONFIRMATION])
    out.add("purchase", again, seconds=seconds, ordering=15, is_repeat=True, page=page)


def _add_account(out: Happenings, visitors: Visitors, sessions: Sessions, views: PageViews) -> None:
    """People with an account log in (or sign up) on their first visit with each device."""
    visitor = sessions.visitor[views.session]
    first = views.is_first & (sessions.number[views.session] == 1) & visitors.logs_in[visitor]
    new_here = mixed(visitors.person[visitor], 5) % np.uint64(5) < 2
    signs_up = first & new_here & (sessions.slot[views.session] == 0)
    for name, mask in (("sign_up", signs_up), ("login", first & ~signs_up)):
        view = np.flatnonzero(mask)
        out.add(name, view, seconds=views.dwell[view] * LOGIN_MOMENT, ordering=7, engagement=700.0)


LOGIN_MOMENT = 0.3
"""Share of the first page's time after which the login happens."""
