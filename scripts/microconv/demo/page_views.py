"""Page views with what is on the page: its place in the session, its product, its cart."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Floats, Ints
from microconv.demo.browsing import (
    CART_ADD,
    NOTHING,
    PURCHASED,
    Browsing,
    page_codes,
    page_kinds,
)
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY
from microconv.demo.visitors import Sessions, start_microseconds

NO_PAGE = 65_535
CARTS_PER_PERSON = 512
"""More than the pages that one person can browse, so order numbers never collide."""


@dataclass(frozen=True)
class PageViews:
    """Page views in order of person, session and time.

    Cart and checkout open over the page that is being viewed and load no page of their own: an
    effect "per page after" would otherwise be mixed up with the pages that every buyer must see.
    `browsed` is the index of the browsed page, `outcome` how far its cart gets, `previous` the
    page seen before in the session (`NO_PAGE` for the first), `dwell` all seconds on the page, of
    which the last `checkout` belong to the cart, `value` the order's cents, `items` its lines.
    """

    session: Ints
    is_status: Bools
    browsed: Ints
    outcome: Ints
    page: Ints
    previous: Ints
    is_first: Bools
    start: Ints
    dwell: Floats
    checkout: Floats
    value: Ints
    items: Ints
    product: Ints
    order: Ints

    @property
    def before_cart(self) -> Floats:
        """Seconds on the page before the cart opens."""
        return self.dwell - self.checkout


def page_views_of(
    rng: np.random.Generator, browsing: Browsing, sessions: Sessions, person: Ints
) -> PageViews:
    """Page views of the browsed pages, with the time that carts and checkouts take."""
    n = len(browsing.session)
    steps = np.clip(browsing.outcome - CART_ADD, 0, None).astype(np.float64)
    checkout = np.minimum(np.exp(rng.normal(2.9, 0.5, n)), 120.0) * steps
    dwell = browsing.dwell + checkout
    is_first = browsing.session_first == np.arange(n)
    elapsed = np.cumsum(dwell) - dwell
    seconds = elapsed - elapsed[browsing.session_first]
    micros = (seconds * MICROSECONDS).astype(np.int64)
    page = page_codes(rng, page_kinds(rng, browsing))
    previous = np.full(n, NO_PAGE, dtype=np.int64)
    previous[1:] = np.where(is_first[1:], NO_PAGE, page[:-1])
    value, items = _orders(rng, browsing, page)
    return PageViews(
        session=browsing.session,
        is_status=np.zeros(n, dtype=np.bool_),
        browsed=np.arange(n),
        outcome=browsing.outcome,
        page=page,
        previous=previous,
        is_first=is_first,
        start=start_microseconds(sessions)[browsing.session] + micros,
        dwell=dwell,
        checkout=checkout,
        value=value,
        items=items,
        product=_product_of(page),
        order=_order_numbers(browsing, person),
    )


def _product_of(page: Ints) -> Ints:
    """Product shown on a product page; elsewhere some product, for lists and teasers."""
    return (page - shop.FIRST_PAGE[shop.PRODUCT]) % len(shop.PRODUCTS)


def _orders(rng: np.random.Generator, browsing: Browsing, page: Ints) -> tuple[Ints, Ints]:
    """Order value (cents, lognormal for purchases) and number of order lines per browsed page."""
    n = len(page)
    drawn = settings.ORDER_MEDIAN_USD * np.exp(rng.normal(0.0, settings.ORDER_SIGMA, n))
    # A third of the prices are round, so that `value` arrives as integer in some rows.
    dollars = np.where(rng.random(n) < 0.35, np.maximum(np.round(drawn), 1.0), np.round(drawn, 2))
    bought = np.round(dollars * 100).astype(np.int64)
    listed = shop.PRODUCT_CENTS[_product_of(page)]
    is_bought = browsing.outcome == PURCHASED
    lines = np.where(is_bought, 1 + (rng.random(n) < 0.3) + (rng.random(n) < 0.12), 1)
    return np.where(is_bought, bought, listed), lines.astype(np.int64)


def _order_numbers(browsing: Browsing, person: Ints) -> Ints:
    """A number per cart, unique in the shop: person and the cart's place among the person's."""
    started = browsing.outcome > NOTHING
    running: Ints = np.cumsum(started) - started
    nth: Ints = running - running[browsing.visitor_first]
    return np.where(started, person[browsing.visitor] * CARTS_PER_PERSON + nth, -1)


def order_status_visits(
    rng: np.random.Generator, views: PageViews, sessions: Sessions, since: int
) -> tuple[PageViews, Sessions]:
    """Extra visits, after the person's last one, in which buyers look up their order.

    They follow a purchase on the same device after `since` (UTC microseconds), so that nobody's
    `view_order_status` precedes the first purchase that the export shows.
    """
    purchase = np.flatnonzero((views.outcome == PURCHASED) & (views.start >= since))
    buyer, first = np.unique(sessions.visitor[views.session[purchase]], return_index=True)
    chosen = rng.random(len(buyer)) < settings.ORDER_STATUS_SHARE
    buyer, purchase = buyer[chosen], purchase[first][chosen]
    last = np.searchsorted(sessions.visitor, buyer, side="right") - 1
    bought_in = views.session[purchase]
    cookie = sessions.visitor * 2 + sessions.slot
    visits = np.bincount(cookie, minlength=int(cookie.max()) + 1)
    n = len(buyer)
    over = np.zeros(len(sessions.visitor))
    np.maximum.at(over, views.session, views.start / MICROSECONDS + views.dwell)
    wait = np.minimum(rng.exponential(settings.ORDER_STATUS_MEAN_DAYS, n), 6.0) * SECONDS_PER_DAY
    none: Ints = np.zeros(n, dtype=np.int64)
    extra = Sessions(
        visitor=buyer,
        first_index=none,
        slot=sessions.slot[bought_in],
        number=visits[cookie[bought_in]] + 1,
        collected=none,
        last_click=sessions.last_click[bought_in],
        device=sessions.device[bought_in],
        day_offset=sessions.day_offset[last],
        time_of_day=none,
        start=np.ceil(over[last] + 2 * 3600 + wait).astype(np.int64),
    )
    dwell = rng.uniform(12.0, 70.0, n)
    return _status_views(views, purchase, len(sessions.visitor), extra, dwell), extra


def _status_views(
    views: PageViews, purchase: Ints, first_session: int, sessions: Sessions, dwell: Floats
) -> PageViews:
    """One look at the order per session; sessions are numbered from `first_session`."""
    n = len(purchase)
    return PageViews(
        session=first_session + np.arange(n),
        is_status=np.ones(n, dtype=np.bool_),
        browsed=views.browsed[purchase],
        outcome=np.zeros(n, dtype=np.int64),
        page=np.full(n, shop.FIRST_PAGE[shop.ORDERS], dtype=np.int64),
        previous=np.full(n, NO_PAGE, dtype=np.int64),
        is_first=np.ones(n, dtype=np.bool_),
        start=start_microseconds(sessions),
        dwell=dwell,
        checkout=np.zeros(n),
        value=views.value[purchase],
        items=views.items[purchase],
        product=views.product[purchase],
        order=views.order[purchase],
    )


def joined_views(first: PageViews, second: PageViews) -> PageViews:
    """The two one behind the other."""
    return PageViews(
        *(
            np.concatenate([getattr(first, field.name), getattr(second, field.name)])
            for field in fields(PageViews)
        )
    )


def joined_sessions(first: Sessions, second: Sessions) -> Sessions:
    """The two one behind the other; `first_index` of the second has no meaning."""
    return Sessions(
        *(
            np.concatenate([getattr(first, field.name), getattr(second, field.name)])
            for field in fields(Sessions)
        )
    )
