"""What people look at, what small things they do, and when that leads to a purchase.

The order matters: small actions are drawn first and know nothing of the purchase; the chance of a
purchase is then computed page by page from what the person did on EARLIER pages.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from microconv.demo import settings, shop
from microconv.demo.arrays import Bools, Floats, Ints, any_before, group_starts
from microconv.demo.experiments import Planted, cookies, guide_rate, purchase_log_odds
from microconv.demo.local_time import MICROSECONDS, SECONDS_PER_DAY, local_day_numbers
from microconv.demo.swings import PURCHASE, Swings
from microconv.demo.visitors import Sessions, Visitors, start_microseconds

NOTHING, CART_ADD, CART_VIEW, CHECKOUT_BEGUN, SHIPPING_ADDED, PAYMENT_ADDED, PURCHASED = range(7)
"""How far a cart that starts on a page gets."""
_BROWSED_KINDS = (
    shop.HOME,
    shop.CATEGORY,
    shop.PRODUCT,
    shop.SEARCH,
    shop.ACCOUNT,
    shop.BLOG,
    shop.CART,
)

ACTIONS = (
    "view_size_guide", "video_start", "newsletter_signup", "add_to_wishlist", "banner_impression",
    "read_reviews", "start_chat", "share", "file_download", "gift_registry_view",
)  # fmt: skip


@dataclass(frozen=True)
class Browsing:
    """Browsed pages in order of person, session and time, before page views are made of them.

    `visitor_first` and `session_first` are indices of the first page of the same person or session;
    `start` is UTC microseconds, `dwell` seconds; `did` holds one flag per action and page.
    """

    session: Ints
    visitor: Ints
    visitor_first: Ints
    session_first: Ints
    is_mobile: Bools
    is_human: Bools
    dwell: Floats
    start: Ints
    did: dict[str, Bools]
    outcome: Ints


def draw_page_counts(
    rng: np.random.Generator, visitors: Visitors, sessions: Sessions
) -> tuple[Ints, Floats]:
    """Pages per session and seconds spent on each page (below GA4's 30-minute time-out)."""
    n = len(sessions.visitor)
    pages = np.minimum(rng.geometric(1 - settings.MORE_PAGES_SHARE, n), settings.MAX_PAGES)
    is_bot = visitors.is_bot[sessions.visitor]
    pages = np.where(is_bot, rng.integers(*settings.BOT_PAGES, n), pages).astype(np.int64)
    total = int(pages.sum())
    dwell = np.minimum(np.exp(rng.normal(math.log(22.0), 1.0, total)), 1500.0)
    hurried = rng.uniform(0.4, 1.5, total)
    return pages, np.where(np.repeat(is_bot, pages), hurried, dwell)


def durations(pages: Ints, dwell: Floats) -> Ints:
    """Whole seconds that each session lasts."""
    return np.ceil(np.add.reduceat(dwell, group_starts(pages))).astype(np.int64)


@dataclass(frozen=True)
class Rates:
    """What `browse` is told from outside; the day is a local day number, None without a drop, and
    `swings` are None where every day is like any other."""

    rare_event_share: float
    mobile_drop_day: int | None
    swings: Swings | None = None
    experiments: tuple[Planted, ...] = ()


def browse(
    rng: np.random.Generator,
    visitors: Visitors,
    sessions: Sessions,
    pages: Ints,
    dwell: Floats,
    rates: Rates,
) -> Browsing:
    """Draw actions and purchases of every page, given sessions whose `start` is filled."""
    session = np.repeat(np.arange(len(pages)), pages)
    visitor = sessions.visitor[session]
    session_first = np.repeat(group_starts(pages), pages)
    per_visitor = np.bincount(visitor, minlength=len(visitors.person))
    elapsed = np.cumsum(dwell) - dwell
    seconds = elapsed - elapsed[session_first]
    browsing = Browsing(
        session=session,
        visitor=visitor,
        visitor_first=np.repeat(group_starts(per_visitor), per_visitor),
        session_first=session_first,
        is_mobile=shop.SITE.is_mobile[sessions.device[session]],
        is_human=~visitors.is_bot[visitor],
        dwell=dwell,
        start=start_microseconds(sessions)[session] + (seconds * MICROSECONDS).astype(np.int64),
        did={},
        outcome=np.zeros(len(session), dtype=np.int64),
    )
    cookie = cookies(visitors, sessions)[session]
    guide = guide_rate(rates.experiments, cookie, browsing.start)
    browsing.did.update(_draw_actions(rng, visitors, browsing, rates, guide))
    added = purchase_log_odds(rates.experiments, cookie, browsing.start)
    if rates.swings is not None:
        added = added + rates.swings.at(PURCHASE, local_day_numbers(browsing.start))
    browsing.outcome[:] = _draw_outcomes(
        rng, visitors, sessions, browsing, rates.mobile_drop_day, added
    )
    return browsing


def _draw_actions(
    rng: np.random.Generator,
    visitors: Visitors,
    browsing: Browsing,
    rates: Rates,
    guide: Floats,
) -> dict[str, Bools]:
    """One flag per action and page. Only the wish list knows the hidden intent."""
    n = len(browsing.session)
    symptom = np.exp(settings.WISHLIST_INTENT_SLOPE * visitors.intent[browsing.visitor])
    video = settings.VIDEO_RATE_ELSEWHERE * np.where(
        browsing.is_mobile, settings.VIDEO_MOBILE_RATIO, 1.0
    )
    rate: dict[str, Floats | float] = {
        "view_size_guide": guide,
        "video_start": video,
        "newsletter_signup": settings.NEWSLETTER_RATE,
        "add_to_wishlist": np.minimum(settings.WISHLIST_RATE * symptom, 0.5),
        "banner_impression": settings.BANNER_RATE,
        "read_reviews": settings.REVIEWS_RATE,
        "start_chat": settings.CHAT_RATE,
        "share": settings.SHARE_RATE,
        "file_download": settings.DOWNLOAD_RATE,
    }
    if rates.swings is not None:
        days = local_day_numbers(browsing.start)
        for name, chance in rate.items():
            rate[name] = np.minimum(chance * np.exp(rates.swings.at(name, days)), 0.5)
    did = {name: (rng.random(n) < chance) & browsing.is_human for name, chance in rate.items()}
    # A banner needs no person: robots load it too, which is what makes unfiltered lifts wrong.
    did["banner_impression"] |= ~browsing.is_human & (rng.random(n) < settings.BANNER_RATE)
    did["newsletter_signup"] &= ~any_before(did["newsletter_signup"], browsing.visitor_first)
    chosen = (rng.random(len(visitors.person)) < rates.rare_event_share) & ~visitors.is_bot
    opening = browsing.visitor_first == np.arange(n)
    did["gift_registry_view"] = opening & chosen[browsing.visitor]
    return did


def _purchase_log_odds(visitors: Visitors, sessions: Sessions, browsing: Browsing) -> Floats:
    """The planted truth: log odds that a page leads to a purchase."""
    first, did = browsing.visitor_first, browsing.did
    signed_up = did["newsletter_signup"]
    # At most one sign-up per person, so the sum of its times is its time.
    signed_up_at = np.bincount(
        browsing.visitor[signed_up],
        weights=browsing.start[signed_up].astype(np.float64),
        minlength=len(visitors.person),
    )[browsing.visitor]
    waited = settings.NEWSLETTER_DELAY_DAYS * SECONDS_PER_DAY * MICROSECONDS
    ripe = (signed_up_at > 0) & (browsing.start - signed_up_at >= waited)
    channel = np.array([campaign.log_odds for campaign in shop.CAMPAIGNS])
    return (
        settings.BASE_LOG_ODDS
        + visitors.intent[browsing.visitor]
        + settings.MOBILE_LOG_ODDS * browsing.is_mobile
        + channel[sessions.last_click[browsing.session]]
        + math.log(settings.SIZE_GUIDE_ODDS_RATIO) * any_before(did["view_size_guide"], first)
        + math.log(settings.VIDEO_ODDS_RATIO) * any_before(did["video_start"], first)
        + math.log(settings.NEWSLETTER_ODDS_RATIO) * ripe
    )


def _draw_outcomes(
    rng: np.random.Generator,
    visitors: Visitors,
    sessions: Sessions,
    browsing: Browsing,
    mobile_drop_day: int | None,
    added_log_odds: Floats,
) -> Ints:
    """How far a cart that starts on each page gets: 0 none … 6 purchased."""
    n = len(browsing.session)
    log_odds = _purchase_log_odds(visitors, sessions, browsing) + added_log_odds
    chance = 1.0 / (1.0 + np.exp(-log_odds))
    buys = rng.random(n) < chance
    idle = settings.ABANDONED_CART_RATE * np.exp(
        settings.ABANDONED_CART_INTENT_SLOPE * visitors.intent[browsing.visitor]
    )
    idle = idle * np.where(browsing.is_mobile, settings.ABANDONED_CART_MOBILE_FACTOR, 1.0)
    abandons = rng.random(n) < idle
    reach = np.cumprod(settings.ABANDON_CONTINUE)
    # One uniform number against falling thresholds walks the steps with the given continuations.
    further = (rng.random(n)[:, None] < reach[None, :]).sum(axis=1)
    outcome = np.where(abandons, CART_ADD + further, NOTHING)
    outcome = np.where(buys, PURCHASED, outcome)
    outcome = np.where(browsing.is_human, outcome, NOTHING)
    if mobile_drop_day is not None:
        hit = browsing.is_mobile & (local_day_numbers(browsing.start) >= mobile_drop_day)
        outcome = np.where(hit & (rng.random(n) >= settings.MOBILE_DROP_KEEP), NOTHING, outcome)
    return outcome.astype(np.int64)


def page_kinds(rng: np.random.Generator, browsing: Browsing) -> Ints:
    """Page kind of each browsed page; an action puts the person on the page where it can happen."""
    n = len(browsing.session)
    landing = browsing.session_first == np.arange(n)
    kinds = np.array(_BROWSED_KINDS)
    first = rng.choice(kinds, n, p=(0.36, 0.20, 0.26, 0.02, 0.01, 0.15, 0.0))
    later = rng.choice(kinds, n, p=(0.08, 0.32, 0.42, 0.08, 0.02, 0.07, 0.01))
    kind = np.where(landing, first, later)
    did = browsing.did
    on_product = did["video_start"] | did["add_to_wishlist"] | did["read_reviews"]
    kind = np.where(on_product | (browsing.outcome > NOTHING), shop.PRODUCT, kind)
    kind = np.where(did["view_size_guide"] & (browsing.outcome == NOTHING), shop.SIZE_GUIDE, kind)
    return kind.astype(np.int64)


def page_codes(rng: np.random.Generator, kind: Ints) -> Ints:
    """A page of each kind, as index into `shop.PAGES`."""
    within = (rng.random(len(kind)) * shop.PAGE_COUNT[kind]).astype(np.int64)
    return shop.FIRST_PAGE[kind] + within
