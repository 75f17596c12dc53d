"""The shop: pages, products, devices, places and campaigns, as tables that codes point into."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

HOME, CATEGORY, PRODUCT, SEARCH, CART, CHECKOUT, CONFIRMATION, SIZE_GUIDE, ACCOUNT, ORDERS, BLOG = (
    range(11)
)
"""Page kinds."""


class Product(NamedTuple):
    """One article; `price` in USD."""

    name: str
    brand: str
    category: str
    category2: str
    variant: str
    price: float


class Page(NamedTuple):
    """One page of the shop; `path` without host and query."""

    path: str
    title: str
    kind: int


class Device(NamedTuple):
    """One device profile; `weight` is its share of first visits, `is_mobile` excludes tablets."""

    category: str
    brand: str
    model: str
    system: str
    system_version: str
    browser: str
    browser_version: str
    weight: float
    is_mobile: bool


class Place(NamedTuple):
    """One place with the language browsers report there; `weight` is its share among visitors."""

    city: str
    region: str
    country: str
    sub_continent: str
    continent: str
    metro: str
    language: str
    weight: float


class Campaign(NamedTuple):
    """Where a session came from; `log_odds` is the channel's own effect on buying."""

    source: str
    medium: str
    name: str
    channel_group: str
    referrer: str | None
    weight: float
    log_odds: float


_ARTICLES: Final = {
    "shoes/running": (("Trail Runner", 129.0), ("Road Racer", 119.5), ("Daily Trainer", 89.0)),
    "shoes/hiking": (("Ridge Boot", 159.0), ("Creek Sandal", 64.9), ("Summit Mid", 139.0)),
    "apparel/jackets": (("Rain Shell", 119.0), ("Wind Vest", 74.5), ("Down Hoodie", 189.0)),
    "apparel/shirts": (("Merino Tee", 54.0), ("Sun Hoodie", 62.5), ("Logo Tee", 24.0)),
    "bags/backpacks": (("Day Pack", 79.0), ("Commuter Pack", 99.9), ("Summit Pack", 149.0)),
    "bags/travel": (("Duffel 40", 89.5), ("Packing Cubes", 34.0), ("Hip Pack", 29.0)),
    "equipment/tents": (("Solo Tent", 219.0), ("Duo Tent", 299.0), ("Tarp", 89.9)),
    "equipment/kitchen": (("Camp Stove", 49.0), ("Titan Mug", 27.5), ("Pot Set", 58.0)),
}
_VARIANTS: Final = ("black", "moss", "sand", "blue")

PRODUCTS: Final = tuple(
    Product(
        name, ("Norra", "Kestrel", "Fjordline")[i], top, sub, _VARIANTS[(i + len(name)) % 4], usd
    )
    for (top, sub), articles in (
        (category.split("/"), articles) for category, articles in _ARTICLES.items()
    )
    for i, (name, usd) in enumerate(articles)
)
CATEGORIES: Final = tuple(_ARTICLES)


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")


PAGES: Final = (
    Page("/", "Outdoor gear | Shop Example", HOME),
    *(
        Page(f"/c/{category}", f"{category.split('/')[1].title()} | Shop Example", CATEGORY)
        for category in CATEGORIES
    ),
    *(
        Page(f"/p/{_slug(product.name)}", f"{product.name} | Shop Example", PRODUCT)
        for product in PRODUCTS
    ),
    Page("/search", "Search results | Shop Example", SEARCH),
    Page("/cart", "Your cart | Shop Example", CART),
    Page("/checkout", "Checkout | Shop Example", CHECKOUT),
    Page("/checkout/confirmation", "Thank you for your order | Shop Example", CONFIRMATION),
    Page("/size-guide", "Size guide | Shop Example", SIZE_GUIDE),
    Page("/account", "Your account | Shop Example", ACCOUNT),
    Page("/account/orders", "Your orders | Shop Example", ORDERS),
    *(
        Page(f"/blog/{_slug(title)}", f"{title} | Shop Example", BLOG)
        for title in (
            "How to pack light",
            "Choosing a tent",
            "Boots that last",
            "Five autumn trails",
            "Cooking outdoors",
        )
    ),
)


def _first_page(kind: int) -> int:
    return next(code for code, page in enumerate(PAGES) if page.kind == kind)


FIRST_PAGE: Final = np.array([_first_page(kind) for kind in range(11)], dtype=np.int64)
"""Code of the first page of each kind; the pages of one kind follow each other."""
PAGE_COUNT: Final = np.bincount([page.kind for page in PAGES], minlength=11)
PAGE_KIND: Final = np.array([page.kind for page in PAGES], dtype=np.int64)
PRODUCT_CENTS: Final = np.array([round(p.price * 100) for p in PRODUCTS], dtype=np.int64)

HOSTS: Final = ("www.shop.example", "shop.example")
SEARCH_TERMS: Final = (
    "trail shoes", "rain jacket", "tent 2 person", "backpack",
    "merino", "gift card", "socks", "stove",
)  # fmt: skip
VIDEO_TITLES: Final = ("Fitting your pack", "How we test boots", "Pitching the Duo Tent")
SECRET_QUERIES: Final = (
    "?email=anna.berg%40example.com&token=9f8e7d6c5b",
    "?email=john@example.org&step=2",
    "?utm_source=crm&token=eyJhbGciOiJIUzI1NiJ9.e30.x",
    "?reset_password_token=4f3c2b1a&lang=en",
)

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
_NOT_SET = "(not set)"
PLACES: Final = (
    Place("New York", "New York", "United States", _NA, _AM, "New York, NY", "en-us", 0.17),
    Place("Los Angeles", "California", "United States", _NA, _AM, "Los Angeles CA", "en-us", 0.12),
    Place("Chicago", "Illinois", "United States", _NA, _AM, "Chicago IL", "en-us", 0.09),
    Place("Dallas", "Texas", "United States", _NA, _AM, "Dallas-Ft. Worth TX", "en-us", 0.08),
    Place("Seattle", "Washington", "United States", _NA, _AM, "Seattle-Tacoma WA", "en-us", 0.07),
    Place("Denver", "Colorado", "United States", _NA, _AM, "Denver CO", "en-us", 0.06),
    Place(_NOT_SET, "Florida", "United States", _NA, _AM, _NOT_SET, "es-us", 0.05),
    Place("Toronto", "Ontario", "Canada", _NA, _AM, _NOT_SET, "en-ca", 0.07),
    Place("Montreal", "Quebec", "Canada", _NA, _AM, _NOT_SET, "fr-ca", 0.03),
    Place("London", "England", "United Kingdom", _NE, _EU, _NOT_SET, "en-gb", 0.06),
    Place("Manchester", "England", "United Kingdom", _NE, _EU, _NOT_SET, "en-gb", 0.02),
    Place("Berlin", "Berlin", "Germany", _WE, _EU, _NOT_SET, "de-de", 0.04),
    Place("Munich", "Bavaria", "Germany", _WE, _EU, _NOT_SET, "de-de", 0.03),
    Place("Paris", "Ile-de-France", "France", _WE, _EU, _NOT_SET, "fr-fr", 0.03),
    Place("Madrid", "Community of Madrid", "Spain", _SE, _EU, _NOT_SET, "es-es", 0.02),
    Place(
        "Sydney", "New South Wales", "Australia", "Australasia", "Oceania", _NOT_SET, "en-au", 0.03
    ),
    Place(_NOT_SET, "Maharashtra", "India", "Southern Asia", "Asia", _NOT_SET, "en-in", 0.03),
)

_DIRECT, _NONE = "(direct)", "(none)"
_SEARCH, _SOCIAL, _LINK = "Organic Search", "Paid Social", "(referral)"
_GOOGLE = "https://www.google.com/"
CAMPAIGNS: Final = (
    Campaign(_DIRECT, _NONE, _DIRECT, "Direct", None, 0.20, 0.0),
    Campaign("google", "organic", "(organic)", _SEARCH, _GOOGLE, 0.30, 0.0),
    Campaign("bing", "organic", "(organic)", _SEARCH, "https://www.bing.com/", 0.04, 0.0),
    Campaign("google", "cpc", "brand_search", "Paid Search", _GOOGLE, 0.09, 0.2),
    Campaign("google", "cpc", "autumn_gear", "Paid Search", _GOOGLE, 0.10, 0.0),
    Campaign("newsletter", "email", "weekly_news", "Email", None, 0.06, 0.4),
    Campaign(
        "facebook", "paid_social", "retarget_q4", _SOCIAL, "https://m.facebook.com/", 0.06, -0.7
    ),
    Campaign(
        "instagram", "social", _NOT_SET, "Organic Social", "https://l.instagram.com/", 0.07, -0.7
    ),
    Campaign(
        "trailnotes.example",
        "referral",
        _LINK,
        "Referral",
        "https://trailnotes.example/",
        0.05,
        0.0,
    ),
    Campaign("chatgpt.com", "referral", _LINK, "Referral", "https://chatgpt.com/", 0.03, 0.0),
    Campaign("tiktok", "paid_social", "autumn_haul", _SOCIAL, "https://www.tiktok.com/", 0.0, -0.7),
)
DIRECT, EMAIL, MIX_SHIFT = 0, 5, 10
"""Campaign codes with a role of their own; the last one runs in the mix-shift week only."""
TAGGED: Final = np.array([c.medium in ("cpc", "email", "paid_social") for c in CAMPAIGNS])
"""Campaigns whose landing pages carry utm parameters."""
CLICK_ID: Final = np.array([c.medium == "cpc" for c in CAMPAIGNS])
CLICK_IDS: Final = tuple(f"Cj0KCQjw{n * 2_654_435_761 % 2**32:08x}BhDm" for n in range(512))
