"""What a site's export is written with: its pages, events, devices and parameters, as tables.

Codes in records point into these tables. What people do on a site is said elsewhere: the shop in
`browsing`, the other verticals in `journeys`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Product(NamedTuple):
    """One article; `price` in USD."""

    name: str
    brand: str
    category: str
    category2: str
    variant: str
    price: float


class Page(NamedTuple):
    """One page of the site; `path` without host and query. In an app a screen and its class."""

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
    """Where a session came from; `log_odds` is the channel's own effect on the goal."""

    source: str
    medium: str
    name: str
    channel_group: str
    referrer: str | None
    weight: float
    log_odds: float


class Choice(NamedTuple):
    """A parameter that some events carry with one of some texts; None leaves it away.

    `kinds` are the kinds of pages where they carry it; empty for any.
    """

    key: str
    events: tuple[str, ...]
    texts: tuple[str | None, ...]
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Site:
    """One site or app. The pages of one kind follow each other.

    `direct` and `reminder` are the campaigns of people who come back, `extra` one that runs in
    some days only; `valued` events carry `value` and `currency`, `key_events` the flag of GA4.
    What stands in an event's name after a slash tells its codes apart and is not exported.
    `order_events` have the lines of an order as items, `single_events` the article that is shown.
    """

    name: str
    event_names: tuple[str, ...]
    pages: tuple[Page, ...]
    hosts: tuple[str, str]
    devices: tuple[Device, ...]
    bot_device: int
    places: tuple[Place, ...]
    campaigns: tuple[Campaign, ...]
    direct: int
    reminder: int
    extra: int
    products: tuple[Product, ...]
    choices: tuple[Choice, ...]
    valued: tuple[str, ...]
    key_events: tuple[str, ...]
    order_events: tuple[str, ...] = ()
    single_events: tuple[str, ...] = ()
    search_kind: int = -1
    search_terms: tuple[str, ...] = ()
    secret_queries: tuple[str, ...] = ()
    stream_id: str = "7700112233"
    tier_property: str = "loyalty_tier"
    tiers: tuple[str, str, str] = ("basic", "silver", "gold")
    is_app: bool = False

    @cached_property
    def events(self) -> dict[str, int]:
        """The code of each event."""
        return {name: code for code, name in enumerate(self.event_names)}

    def codes(self, names: Iterable[str]) -> list[int]:
        """Codes of the events that the site has of `names`."""
        return [self.events[name] for name in names if name in self.events]

    def code(self, name: str) -> int:
        """The code of an event; -1, which no record holds, where the site has none such."""
        return self.events.get(name, -1)

    @cached_property
    def first_page(self) -> npt.NDArray[np.int64]:
        """Code of the first page of each kind."""
        kinds = range(int(self.page_kind.max()) + 1)
        return np.array([int(np.argmax(self.page_kind == kind)) for kind in kinds], dtype=np.int64)

    @cached_property
    def page_count(self) -> npt.NDArray[np.int64]:
        """Number of pages of each kind."""
        return np.bincount(self.page_kind)

    @cached_property
    def page_kind(self) -> npt.NDArray[np.int64]:
        """The kind of each page."""
        return np.array([page.kind for page in self.pages], dtype=np.int64)

    @cached_property
    def product_cents(self) -> npt.NDArray[np.int64]:
        """The price of each product; one of nothing where the site sells nothing."""
        cents = [round(product.price * 100) for product in self.products] or [0]
        return np.array(cents, dtype=np.int64)

    @cached_property
    def is_tagged(self) -> npt.NDArray[np.bool_]:
        """Campaigns whose landing pages carry utm parameters."""
        return np.array([one.medium in ("cpc", "email", "paid_social") for one in self.campaigns])

    @cached_property
    def has_click_id(self) -> npt.NDArray[np.bool_]:
        """Campaigns whose landing pages carry Google's click id."""
        return np.array([one.medium == "cpc" for one in self.campaigns])

    @cached_property
    def is_mobile(self) -> npt.NDArray[np.bool_]:
        """Devices that are phones."""
        return np.array([device.is_mobile for device in self.devices])
