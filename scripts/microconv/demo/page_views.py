"""Page views as they happened: browsed pages with cart, checkout and confirmation pages put in."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Floats, Ints, positions
from microconv.demo.browsing import (
    NOTHING,
    PURCHASED,
    Browsing,
    page_codes,
    page_kinds,
)
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY
from microconv.demo.visitors import Sessions, start_microseconds

BROWSED, CART_PAGE, CHECKOUT_PAGE, CONFIRMATION_PAGE, STATUS_PAGE = range(5)
"""Role of a page view."""
_INSERTED_PAGES = np.array([0, 0, 1, 2, 2, 2, 3])
_PAGE_OF_ROLE = np.array(
    [
        0,
        shop.FIRST_PAGE[shop.CART],
        shop.FIRST_PAGE[shop.CHECKOUT],
        shop.FIRST_PAGE[shop.CONFIRMATION],
        shop.FIRST_PAGE[shop.ORDERS],
    ]
)
NO_PAGE = 65_535
CARTS_PER_PERSON = 512
"""More than the pages that one person can browse, so order numbers never collide."""


@dataclass(frozen=True)
class PageViews:
    """Page views in order of person, session and time.

    `browsed` is the index of the browsed page it belongs to, `outcome` how far that page's cart
    gets, `previous` the page seen before in the session (`NO_PAGE` for the first), `value` the
    order value in cents, `items` the number of order lines, `order` the order's number.
    """

    session: Ints
    role: Ints
    browsed: Ints
    outcome: Ints
    page: Ints
    previous: Ints
    is_first: Bools
    start: Ints
    dwell: Floats
    value: Ints
    items: Ints
    product: Ints
    order: Ints


def unfold(
    rng: np.random.Generator, browsing: Browsing, sessions: Sessions, person: Ints
) -> PageViews:
    """Put the cart, checkout and confirmation pages behind the pages whose cart gets that far."""
    inserted = _INSERTED_PAGES[browsing.outcome]
    counts = 1 + inserted
    browsed = np.repeat(np.arange(len(inserted)), counts)
    role = positions(counts)
    session = browsing.session[browsed]
    n = len(session)
    extra = np.minimum(np.exp(rng.normal(3.4, 0.6, n)), 300.0)
    dwell = np.where(role == BROWSED, browsing.dwell[browsed], extra)
    is_first = np.ones(n, dtype=np.bool_)
    is_first[1:] = session[1:] != session[:-1]
    first = np.maximum.accumulate(np.where(is_first, np.arange(n), 0)) if n else browsed
    elapsed = np.cumsum(dwell) - dwell
    seconds = elapsed - elapsed[first]
    browsed_page = page_codes(rng, page_kinds(rng, browsing))
    page = np.where(role == BROWSED, browsed_page[browsed], _PAGE_OF_ROLE[role])
    previous = np.full(n, NO_PAGE, dtype=np.int64)
    previous[1:] = np.where(is_first[1:], NO_PAGE, page[:-1])
    value, items = _orders(rng, browsing, browsed_page)
    return PageViews(
        session=session,
        role=role,
        browsed=browsed,
        outcome=browsing.outcome[browsed],
        page=page,
        previous=previous,
        is_first=is_first,
        start=start_microseconds(sessions)[session] + (seconds * MICROSECONDS).astype(np.int64),
        dwell=dwell,
        value=value[browsed],
        items=items[browsed],
        product=_product_of(browsed_page)[browsed],
        order=_order_numbers(browsing, person)[browsed],
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
    rng: np.random.Generator, views: PageViews, sessions: Sessions
) -> tuple[PageViews, Sessions]:
    """Extra visits, after the person's last one, in which buyers look up their order.

    They come only after a purchase, so `view_order_status` can never precede the first one.
    """
    purchase = np.flatnonzero(views.role == CONFIRMATION_PAGE)
    buyer, first = np.unique(sessions.visitor[views.session[purchase]], return_index=True)
    chosen = rng.random(len(buyer)) < settings.ORDER_STATUS_SHARE
    buyer, purchase = buyer[chosen], purchase[first][chosen]
    last = np.searchsorted(sessions.visitor, buyer, side="right") - 1
    n = len(buyer)
    over = np.zeros(len(sessions.visitor))
    np.maximum.at(over, views.session, views.start / MICROSECONDS + views.dwell)
    wait = np.minimum(rng.exponential(settings.ORDER_STATUS_MEAN_DAYS, n), 6.0) * SECONDS_PER_DAY
    none: Ints = np.zeros(n, dtype=np.int64)
    extra = Sessions(
        visitor=buyer,
        first_index=none,
        slot=sessions.slot[last],
        number=sessions.number[last] + 1,
        collected=none,
        last_click=sessions.last_click[last],
        device=sessions.device[last],
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
        role=np.full(n, STATUS_PAGE, dtype=np.int64),
        browsed=views.browsed[purchase],
        outcome=np.zeros(n, dtype=np.int64),
        page=np.full(n, _PAGE_OF_ROLE[STATUS_PAGE], dtype=np.int64),
        previous=np.full(n, NO_PAGE, dtype=np.int64),
        is_first=np.ones(n, dtype=np.bool_),
        start=start_microseconds(sessions),
        dwell=dwell,
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
