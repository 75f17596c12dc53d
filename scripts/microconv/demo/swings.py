"""The scenario `leading`: days on which everybody does more of one thing, and days that follow.

Rates swing from day to day. What moves the purchase is read three days ahead in one micro and on
the same day in another; a third wanders and a fourth knows only weekends, as the purchase does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from microconv.demo import settings
from microconv.demo.arrays import Floats, Ints
from microconv.demo.local_time import day_number, day_of
from microconv.demo.settings import DemoOptions

LEAD_DAYS = 3
SWING_SD = 0.5
WALK_SD = 0.12
WEEKEND = 0.5
OWN_SD = 0.1
# The two that nothing follows are too rare in the usual shop to be seen by day.
OFTENER = 5.0
LEADING, COINCIDENT = "read_reviews", "banner_impression"
WANDERING, WEEKDAY_ONLY = "start_chat", "file_download"
PURCHASE = "purchase"


class Scenario(StrEnum):
    """What is planted in the demo shop."""

    USUAL = "usual"
    LEADING = "leading"


@dataclass(frozen=True)
class Swings:
    """Per action and for the purchase, what is added to the log rate (log odds) on each day.

    Args:
        first_day: Local day number of place 0.
        logs: By action, and under `PURCHASE`.
    """

    first_day: int
    logs: Mapping[str, Floats]

    def at(self, name: str, days: Ints) -> Floats | float:
        """The addition on these local days; 0 for what does not swing."""
        if name not in self.logs:
            return 0.0
        swing = self.logs[name]
        return swing[np.clip(days - self.first_day, 0, len(swing) - 1)]


def leading_swings(options: DemoOptions) -> Swings:
    """The swings of every day that anybody is simulated on."""
    first = day_number(options.first_day) - settings.WARM_UP_DAYS
    days = day_number(options.until) - first + 1
    random = np.random.default_rng([options.seed, 3])
    driver = random.normal(0.0, SWING_SD, days + LEAD_DAYS)
    is_weekend = np.array([day_of(first + place).weekday() >= 5 for place in range(days)])
    weekend = WEEKEND * is_weekend

    def own(sd: float) -> Floats:
        noise: Floats = random.normal(0.0, sd, days)
        return noise

    def walk() -> Floats:
        wandering = own(WALK_SD).cumsum()
        centred: Floats = wandering - wandering.mean()
        return centred

    today, ahead = driver[:days], driver[LEAD_DAYS:]
    return Swings(
        first,
        {
            PURCHASE: today + weekend + walk() / 2,
            LEADING: ahead + own(OWN_SD),
            COINCIDENT: today + own(OWN_SD),
            WANDERING: np.log(OFTENER) + walk(),
            WEEKDAY_ONLY: np.log(OFTENER) + weekend,
        },
    )


def swing_truth() -> dict[str, Any]:
    """What the truth file says of it."""
    return {
        LEADING: f"its daily rate moves {LEAD_DAYS} days before that of the purchase",
        COINCIDENT: "its daily rate moves on the same day as that of the purchase",
        WANDERING: "its daily rate is a random walk of its own",
        WEEKDAY_ONLY: "its daily rate knows weekends only, as that of the purchase does",
    }
