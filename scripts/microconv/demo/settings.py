"""What is planted in the demo shop and how large it is: every constant that the truth file states.

The effects follow `design/statistics.md`, section 14. Effects are log odds per browsed page.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

GENERATOR_VERSION = "1.0"

DEFAULT_DAYS = 63
"""Nine whole weeks, Monday to Sunday, so that week-on-week views start and end cleanly."""
DEFAULT_VISITORS_PER_DAY = 220
"""New visitors per day; with returns and bots this gives about a quarter of a million events."""
VERTICAL_INTENT_SD = 0.5
VERTICAL_DAYS = 49
VERTICAL_VISITORS_PER_DAY = 220
"""The same for the other verticals, whose journeys are shorter."""
DEFAULT_SEED = 20_261_108
DEFAULT_UNTIL = date(2026, 11, 8)
"""A fixed Sunday: the demo never depends on the clock, and the change to winter time is in it."""

# The chance that a browsed page leads to the purchase.
BASE_LOG_ODDS = -5.0
DEFAULT_INTENT_SD = 1.0
"""Spread of the hidden intent u (log odds): at 1 no method can clear the wish list."""
MOBILE_LOG_ODDS = -1.1
SIZE_GUIDE_ODDS_RATIO = 2.0
VIDEO_ODDS_RATIO = 1.5
NEWSLETTER_ODDS_RATIO = 2.5
NEWSLETTER_DELAY_DAYS = 3

# How often each small action happens, per browsed page unless named otherwise.
SIZE_GUIDE_RATE = 0.04
VIDEO_RATE_ELSEWHERE = 0.015
VIDEO_MOBILE_RATIO = 4.7
NEWSLETTER_RATE = 0.012
WISHLIST_RATE = 0.02
WISHLIST_INTENT_SLOPE = 0.9
BANNER_RATE = 0.05
REVIEWS_RATE = 0.04
CHAT_RATE = 0.008
SHARE_RATE = 0.006
DOWNLOAD_RATE = 0.006
RARE_EVENT_USERS = 40
PUSH_SUBSCRIBER_SHARE = 0.25
PUSH_MEAN_DAYS = 10.0
ORDER_STATUS_SHARE = 0.5
ORDER_STATUS_MEAN_DAYS = 1.5

# Carts that are started without the hidden decision to buy, and where they are left.
ABANDONED_CART_RATE = 0.021
ABANDONED_CART_INTENT_SLOPE = 0.5
ABANDONED_CART_MOBILE_FACTOR = 0.6
ABANDON_CONTINUE = (0.55, 0.40, 0.60, 0.60)
"""Of abandoned carts: share that goes on to view_cart, begin_checkout, shipping, payment."""

MOBILE_DROP_KEEP = 0.7
OUTAGE_EVENT = "begin_checkout"
MIX_SHIFT_EXTRA_SHARE = 0.5
MIX_SHIFT_MOBILE_SHARE = 0.9

ORDER_MEDIAN_USD = 62.0
ORDER_SIGMA = 0.6
REFUND_SHARE = 0.06
PARTIAL_REFUND_SHARE = 0.3
REPEATED_PURCHASE_SHARE = 0.04
NO_TRANSACTION_ID_SHARE = 0.02

# Who the visitors are.
BOT_SHARE = 0.005
BOT_PAGES = (285, 316)
CONSENT_DENIED_SHARE = 0.035
INTERNAL_SHARE = 0.007
SERVER_SIDE_SHARE = 0.04
LOGIN_SHARE = 0.09
TWO_DEVICE_SHARE = 0.35
EMAIL_USER_ID_SHARE = 0.05
RETURN_SHARE = 0.32
MAX_SESSIONS = 8
MAX_LIFE_DAYS = 30
RETURN_MEAN_DAYS = 4.0
SAME_SITTING_SECONDS = 2 * 3600
"""Who comes back does so at least so long after the visit before."""
MORE_PAGES_SHARE = 0.64
STAYING_SHARE = 0.75
"""Of people who are on a page for more than ten seconds, so many send their time on it."""
MAX_PAGES = 40

# What is wrong with the rows, by hash of the row, so that it never depends on how files are cut.
DUPLICATE_PER_MILLION = 5_000
MALFORMED_PER_MILLION = 20
REPEATED_KEY_PER_MILLION = 1_000
SECRET_URL_PER_MILLION = 4_000
LATE_PER_MILLION = 20_000
LATE_DAYS = 3
MISSING_SESSION_START_PER_MILLION = 15_000
INTRADAY_UNTIL_HOUR = 20

CHUNK_VISITORS = 20_000
SLICE_EVENTS = 131_072
WARM_UP_DAYS = MAX_LIFE_DAYS
"""Visitors are simulated from this many days earlier, so that day one has returning ones."""


class DemoError(Exception):
    """A demo that was asked for wrongly; the message is one sentence for the user."""

    exit_code = 2


class DemoWriteError(DemoError):
    """A demo that could not be written, for example because the disk is full."""

    exit_code = 1


@dataclass(frozen=True)
class DemoOptions:
    """What `generate_demo` was asked for.

    `visitors_per_day` counts new visitors; `until` is the last local day. `delivered_through` cuts
    the export as it stood on that date; `last_day_intraday` leaves the last day as intraday table.
    """

    days: int
    visitors_per_day: int
    seed: int
    until: date
    intent_sd: float = DEFAULT_INTENT_SD
    delivered_through: date | None = None
    last_day_intraday: bool = True

    def __post_init__(self) -> None:
        self._require(1 <= self.days <= 3_660, "--days must lie between 1 and 3660", self.days)
        self._require(
            1 <= self.visitors_per_day <= 5_000_000,
            "--visitors-per-day must lie between 1 and 5000000",
            self.visitors_per_day,
        )
        self._require(self.seed >= 0, "--seed must be 0 or larger", self.seed)
        self._require(
            math.isfinite(self.intent_sd) and 0 <= self.intent_sd <= 3,
            "intent_sd must lie between 0 and 3",
            self.intent_sd,
        )
        self._require(
            2008 <= self.until.year <= 2099,
            "--until must lie between 2008-01-01 and 2099-12-31",
            self.until,
        )
        if self.delivered_through is not None:
            self._require(
                self.delivered_through >= self.first_day,
                f"delivered_through must not be before the first day {self.first_day}",
                self.delivered_through,
            )

    @staticmethod
    def _require(holds: bool, sentence: str, got: object) -> None:
        if not holds:
            raise DemoError(f"{sentence} (got {got}).")

    @property
    def first_day(self) -> date:
        """The first local day of the export."""
        return self.until - timedelta(days=self.days - 1)


@dataclass(frozen=True)
class Calendar:
    """The days on which something was planted; None where the demo is too short to show it."""

    mobile_drop_from: date | None
    mix_shift_from: date | None
    mix_shift_to: date | None
    outage_on: date | None
    both_tables_on: date | None
    # Only where a demo is asked for them.
    outage_to: date | None = None
    revenue_lost_from: date | None = None

    @property
    def outage_days(self) -> tuple[date, date] | None:
        """First and last day of the outage."""
        if self.outage_on is None:
            return None
        return self.outage_on, self.outage_to or self.outage_on


MIN_PLANTED_DAYS = 28
ASKED_DAYS = 10
"""What a demo is asked to plant begins so many days before its end, and lasts to the end."""


class Plant(StrEnum):
    """What a shop's demo may be asked to plant in place of the usual days."""

    NOTHING = "nothing"
    MOBILE_DROP = "mobile_drop"
    MIX_SHIFT = "mix_shift"
    OUTAGE = "outage"
    LOST_REVENUE = "lost_revenue"


def quiet_calendar(options: DemoOptions) -> Calendar:
    """A calendar on which nothing is planted but a day that has a daily and an intraday table."""
    both = options.until - timedelta(days=2) if options.days >= 3 else None
    return Calendar(None, None, None, None, both)


def asked_calendar(options: DemoOptions, plants: Collection[Plant]) -> Calendar:
    """A calendar on which only what was asked for is planted, on the last days."""
    start = max(options.until - timedelta(days=ASKED_DAYS - 1), options.first_day)

    def when(plant: Plant, day: date) -> date | None:
        return day if plant in plants else None

    return Calendar(
        mobile_drop_from=when(Plant.MOBILE_DROP, start),
        mix_shift_from=when(Plant.MIX_SHIFT, start),
        mix_shift_to=when(Plant.MIX_SHIFT, options.until),
        outage_on=when(Plant.OUTAGE, start),
        both_tables_on=quiet_calendar(options).both_tables_on,
        outage_to=when(Plant.OUTAGE, options.until),
        revenue_lost_from=when(Plant.LOST_REVENUE, start),
    )


def calendar_of(options: DemoOptions) -> Calendar:
    """Place the planted days: mix shift after a third, outage after 60 %, mobile drop at 7/9."""

    def after(share: float) -> date:
        return options.first_day + timedelta(days=int(options.days * share))

    quiet = quiet_calendar(options)
    if options.days < MIN_PLANTED_DAYS:
        return quiet
    mix_shift_from = after(1 / 3)
    return Calendar(
        mobile_drop_from=after(7 / 9),
        mix_shift_from=mix_shift_from,
        mix_shift_to=mix_shift_from + timedelta(days=6),
        outage_on=after(0.6),
        both_tables_on=quiet.both_tables_on,
    )
