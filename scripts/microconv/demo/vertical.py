"""How a vertical is described: what its visitors look at and do, and journeys with their rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from microconv.demo.local_time import SECONDS_PER_DAY
from microconv.demo.settings import SAME_SITTING_SECONDS
from microconv.demo.site import Site


class Browsed(NamedTuple):
    """A kind of page that people browse, with its share of first pages and of later ones."""

    kind: int
    landing: float
    later: float


@dataclass(frozen=True)
class Action:
    """A small action on browsed pages, at `rate` per page.

    `kind` is the kind of page where it can happen; `raises` the journey that people enter
    `rate_ratio` times as often on every page after it; `then` are events that follow on the page,
    each with its share of the one before.
    """

    event: str
    rate: float
    kind: int | None = None
    mobile_ratio: float = 1.0
    is_once: bool = False
    raises: str = ""
    rate_ratio: float = 1.0
    then: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """A step of a journey: its conversion and events, and the rate from the step before.

    `kind` is the page in the address bar. With `wait_days` (mean and most) it happens on a later
    visit, or, `is_off_session`, without one, as a CRM would report it. A sale carries an order.
    """

    conversion: str
    events: tuple[str, ...]
    rate: float = 1.0
    kind: int | None = None
    wait_days: tuple[float, float] | None = None
    is_off_session: bool = False
    is_sale: bool = False


@dataclass(frozen=True)
class Journey:
    """A chain of steps that people enter once.

    They do so at `entry_rate` per page or (None) as their first or second `visit` begins.
    """

    name: str
    steps: tuple[Step, ...]
    entry_rate: float | None
    mobile_ratio: float = 1.0
    visit: int = 1

    @property
    def length(self) -> int:
        """Number of steps."""
        return len(self.steps)

    @cached_property
    def first_wait(self) -> int:
        """The first step that does not happen on the page of the entry; the length if none."""
        waits = [place for place, step in enumerate(self.steps) if step.wait_days]
        return min(waits, default=self.length)

    @cached_property
    def first_return(self) -> int:
        """The first step for which people come back; the length if there is none."""
        returns = [
            place
            for place, step in enumerate(self.steps)
            if step.wait_days and not step.is_off_session
        ]
        return min(returns, default=self.length)

    def sales(self, *, before_wait: bool) -> list[int]:
        """Places of the sales, on the page of the entry or on later visits."""
        return [
            place
            for place, step in enumerate(self.steps)
            if step.is_sale and (place < self.first_wait) == before_wait
        ]

    def rate(self, start: str, stop: str) -> float:
        """The planted rate from one conversion to a later one."""
        names = [step.conversion for step in self.steps]
        product = 1.0
        for step in self.steps[names.index(start) + 1 : names.index(stop) + 1]:
            product *= step.rate
        return product

    def rate_within(self, start: str, stop: str, hours: float) -> float:
        """The planted rate from one conversion to a later one within so many hours.

        One wait lies between them, which is exponential after a pause; the minutes that people
        spend on the page before it are neglected.
        """
        names = [step.conversion for step in self.steps]
        between = self.steps[names.index(start) + 1 : names.index(stop) + 1]
        [(mean, most)] = [step.wait_days for step in between if step.wait_days]
        wait = hours / 24 - SAME_SITTING_SECONDS / SECONDS_PER_DAY
        in_time = 1.0 if wait >= most else 1 - math.exp(-wait / mean)
        return self.rate(start, stop) * in_time


class PlantedShare(NamedTuple):
    """The value that a KPI of the starter has by construction, and why."""

    kpi_name: str
    rate: float
    mechanism: str


class MailReaders(NamedTuple):
    """Of the people with one device the share whose every later visit comes from a `campaign`."""

    campaign: int
    share: float


class LongReads(NamedTuple):
    """Of browsed pages of a `kind` the share that is read for at least `seconds`, others less."""

    kind: int
    share: float
    seconds: float


@dataclass(frozen=True)
class SimulatedVertical:
    """A kind of business as the demo simulates it.

    `shows` are events that a page of some kind fires as it loads; `funnels` names the shipped
    funnels that measure a journey, with the conversions that are their steps; `shares` names the
    KPIs that have a planted value besides.
    """

    site: Site
    browsed: tuple[Browsed, ...]
    actions: tuple[Action, ...]
    journeys: tuple[Journey, ...]
    funnels: dict[str, tuple[str, ...]]
    main_funnel: str
    shows: tuple[tuple[str, int], ...] = ()
    shares: tuple[PlantedShare, ...] = ()
    long_reads: LongReads | None = None
    mail_readers: MailReaders | None = None

    def journey_of(self, conversion: str) -> Journey:
        """The journey that a conversion is a step of."""
        return next(
            journey
            for journey in self.journeys
            if conversion in [step.conversion for step in journey.steps]
        )
