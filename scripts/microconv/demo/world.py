"""What the demo's sites share: devices, places and click ids."""

from __future__ import annotations

import math
from typing import Final

from microconv.demo import settings
from microconv.demo.site import Campaign, Device, Place


def gap_within(days: int, gaps: int = 1) -> float:
    """The chance that so many gaps between visits are together within so many times 24 hours.

    A gap is a whole number of days, each further day as likely to be added as the one before; where
    the days are just that many, the hours of the first and last visit decide for half of them.
    """
    stays = math.exp(-1 / settings.RETURN_MEAN_DAYS)

    def exactly(total: int) -> float:
        ways = math.comb(total + gaps - 1, gaps - 1)
        return ways * float((1 - stays) ** gaps * stays**total)

    return sum(exactly(total) for total in range(days)) + exactly(days) / 2


DEVICES: Final = (
    Device("mobile", "Apple", "iPhone", "iOS", "18.6", "Safari", "18.6", 0.28, True),
    Device("mobile", "Apple", "iPhone", "iOS", "26.0", "Chrome", "141.0.7390.96", 0.05, True),
    Device(
        "mobile", "Samsung", "SM-S921U", "Android", "15", "Chrome", "141.0.7390.111", 0.12, True
    ),
    Device(
        "mobile", "Samsung", "SM-A556E", "Android", "14", "Samsung Internet", "28.0", 0.05, True
    ),
    Device("mobile", "Google", "Pixel 9", "Android", "16", "Chrome", "141.0.7390.111", 0.05, True),
    Device("desktop", "", "", "Windows", "10", "Chrome", "141.0.7390.108", 0.17, False),
    Device("desktop", "", "", "Windows", "11", "Edge", "141.0.3537.85", 0.07, False),
    Device("desktop", "", "", "Windows", "10", "Firefox", "144.0", 0.03, False),
    Device("desktop", "Apple", "", "Macintosh", "10.15.7", "Safari", "18.6", 0.07, False),
    Device("desktop", "Apple", "", "Macintosh", "10.15.7", "Chrome", "141.0.7390.108", 0.06, False),
    Device("desktop", "", "", "Linux", "x86_64", "Chrome", "141.0.7390.108", 0.01, False),
    Device("tablet", "Apple", "iPad", "iPadOS", "18.6", "Safari", "18.6", 0.03, False),
    Device(
        "tablet", "Samsung", "SM-X210", "Android", "14", "Chrome", "141.0.7390.111", 0.01, False
    ),
)
BOT_DEVICE: Final = 10

_NA, _AM, _EU = "Northern America", "Americas", "Europe"
_WE, _NE, _SE = "Western Europe", "Northern Europe", "Southern Europe"
NOT_SET = "(not set)"
PLACES: Final = (
    Place("New York", "New York", "United States", _NA, _AM, "New York, NY", "en-us", 0.17),
    Place("Los Angeles", "California", "United States", _NA, _AM, "Los Angeles CA", "en-us", 0.12),
    Place("Chicago", "Illinois", "United States", _NA, _AM, "Chicago IL", "en-us", 0.09),
    Place("Dallas", "Texas", "United States", _NA, _AM, "Dallas-Ft. Worth TX", "en-us", 0.08),
    Place("Seattle", "Washington", "United States", _NA, _AM, "Seattle-Tacoma WA", "en-us", 0.07),
    Place("Denver", "Colorado", "United States", _NA, _AM, "Denver CO", "en-us", 0.06),
    Place(NOT_SET, "Florida", "United States", _NA, _AM, NOT_SET, "es-us", 0.05),
    Place("Toronto", "Ontario", "Canada", _NA, _AM, NOT_SET, "en-ca", 0.07),
    Place("Montreal", "Quebec", "Canada", _NA, _AM, NOT_SET, "fr-ca", 0.03),
    Place("London", "England", "United Kingdom", _NE, _EU, NOT_SET, "en-gb", 0.06),
    Place("Manchester", "England", "United Kingdom", _NE, _EU, NOT_SET, "en-gb", 0.02),
    Place("Berlin", "Berlin", "Germany", _WE, _EU, NOT_SET, "de-de", 0.04),
    Place("Munich", "Bavaria", "Germany", _WE, _EU, NOT_SET, "de-de", 0.03),
    Place("Paris", "Ile-de-France", "France", _WE, _EU, NOT_SET, "fr-fr", 0.03),
    Place("Madrid", "Community of Madrid", "Spain", _SE, _EU, NOT_SET, "es-es", 0.02),
    Place(
        "Sydney", "New South Wales", "Australia", "Australasia", "Oceania", NOT_SET, "en-au", 0.03
    ),
    Place(NOT_SET, "Maharashtra", "India", "Southern Asia", "Asia", NOT_SET, "en-in", 0.03),
)

CLICK_IDS: Final = tuple(f"Cj0KCQjw{n * 2_654_435_761 % 2**32:08x}BhDm" for n in range(512))

_GOOGLE = "https://www.google.com/"
CAMPAIGNS: Final = (
    Campaign("(direct)", "(none)", "(direct)", "Direct", None, 0.22, 0.0),
    Campaign("google", "organic", "(organic)", "Organic Search", _GOOGLE, 0.30, 0.0),
    Campaign("bing", "organic", "(organic)", "Organic Search", "https://www.bing.com/", 0.04, 0.0),
    Campaign("google", "cpc", "brand_search", "Paid Search", _GOOGLE, 0.10, 0.0),
    Campaign("google", "cpc", "topic_search", "Paid Search", _GOOGLE, 0.10, 0.0),
    Campaign("newsletter", "email", "monthly_news", "Email", None, 0.07, 0.0),
    Campaign(
        "linkedin",
        "paid_social",
        "decision_makers",
        "Paid Social",
        "https://www.linkedin.com/",
        0.06,
        0.0,
    ),
    Campaign("reddit", "social", NOT_SET, "Organic Social", "https://www.reddit.com/", 0.05, 0.0),
    Campaign(
        "roundup.example",
        "referral",
        "(referral)",
        "Referral",
        "https://roundup.example/",
        0.06,
        0.0,
    ),
)
"""Where visitors of the sites other than the shop come from."""
APP_CAMPAIGNS: Final = (
    Campaign("(direct)", "(none)", "(direct)", "Direct", None, 0.34, 0.0),
    Campaign("google-play", "organic", "(organic)", "Organic Search", None, 0.28, 0.0),
    Campaign("google", "cpc", "app_installs", "Paid Search", None, 0.18, 0.0),
    Campaign("instagram", "paid_social", "app_stories", "Paid Social", None, 0.12, 0.0),
    Campaign(
        "firebase", "notification", "weekly_reminder", "Mobile Push Notifications", None, 0.08, 0.0
    ),
)
DIRECT, REMINDER, APP_REMINDER = 0, 5, 4
"""Campaigns of people who come back."""


def without(campaign: int) -> tuple[Campaign, ...]:
    """The campaigns where one brings nobody by itself; its visitors come directly."""
    shares = {campaign: 0.0, DIRECT: CAMPAIGNS[DIRECT].weight + CAMPAIGNS[campaign].weight}
    return tuple(
        one._replace(weight=shares.get(place, one.weight)) for place, one in enumerate(CAMPAIGNS)
    )


APP_DEVICES: Final = tuple(
    device for device in DEVICES if device.system in ("iOS", "iPadOS", "Android")
)
SECRET_QUERIES: Final = (
    "?email=anna.berg%40example.com&token=9f8e7d6c5b",
    "?utm_source=crm&token=eyJhbGciOiJIUzI1NiJ9.e30.x",
)
EVERYWHERE: Final = ("session_start", "user_engagement")
WEB: Final = (*EVERYWHERE, "first_visit", "page_view", "scroll")
"""The events that GA4 collects of every site by itself, as far as the demo simulates them."""
APP: Final = (*EVERYWHERE, "first_open", "screen_view")
"""The same of every app."""
