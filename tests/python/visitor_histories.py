"""Histories of simulated visitors with planted effects, as the rows that the evidence reads.

The chance of buying on a page is base + what was done before; one micro-conversion each for what
the evidence must tell apart. From the histories `evidence_reference` counts the tables.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
from evidence_reference import DAY, SECOND, ClockEvent, Conversion, Session, Settings

FIRST_DATE = dt.date(2026, 3, 2)
PAGES = 14
RATES = {"view_size_guide": 0.08, "watch_video": 0.03, "banner": 0.05, "chat": 0.05}
MICROS = sorted([*RATES, "add_to_cart", "order_status", "rare_event", "push"])


def settings(days: int, as_of: dt.date | None = None) -> Settings:
    """The rules of the shipped project over so many days."""
    last = FIRST_DATE + dt.timedelta(days=days - 1)
    return Settings(FIRST_DATE, last, ZoneInfo("UTC"), as_of=as_of)


class Histories:
    """Sessions, page views and conversions.

    Args:
        seed: Of all chance.
        visitors: How many.
        days: Days that are loaded; visitors come from the first to the last.
        size_guide_odds: Odds ratio of buying on every page after the size guide.
        video_odds: The same of the video, which is commoner on mobile; mobile buys less.
        base_log_odds: Of buying on a page.
    """

    def __init__(
        self,
        seed: int,
        visitors: int = 3000,
        days: int = 60,
        size_guide_odds: float = 2.5,
        video_odds: float = 1.0,
        base_log_odds: float = -3.3,
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.settings = settings(days)
        self.odds = {"view_size_guide": size_guide_odds, "watch_video": video_odds}
        self.base_log_odds = base_log_odds
        self.sessions: list[Session] = []
        self.clock_events: list[ClockEvent] = []
        self.conversions: list[Conversion] = []
        for number in range(visitors):
            self._visitor(f"v{number}", days)

    def _visitor(self, name: str, days: int) -> None:
        random = self.random
        is_mobile = random.random() < 0.6
        stays = random.random() < 0.4
        at = self.settings.midnight(FIRST_DATE) + int(random.random() * days * DAY)
        first_touch = at if random.random() < 0.7 else at - 40 * DAY
        done: set[str] = set()
        has_bought = False
        self._do(None, name, at + int(random.exponential(3.0) * DAY), "push")
        for nth in range(1 + random.geometric(0.6)):
            session = f"{name}.{nth}"
            pages = min(random.geometric(0.12 if stays else 0.5), PAGES)
            self.sessions.append(
                Session(
                    session,
                    name,
                    device_category="mobile" if is_mobile else "desktop",
                    channel_group="Direct" if random.random() < 0.5 else "Email",
                    is_new_visitor=first_touch == at,
                    page_view_count=int(pages),
                    engaged_seconds=30.0 * pages,
                )
            )
            for _ in range(pages):
                self._page(session, name, at, first_touch, is_mobile, done)
                if has_bought and random.random() < 0.3:
                    self._do(session, name, at + 3 * SECOND, "order_status")
                elif not has_bought and self._buys(is_mobile, done):
                    has_bought = True
                    self._do(session, name, at + 20 * SECOND, "add_to_cart")
                    value = 60 * random.lognormal(0, 0.6)
                    self._do(session, name, at + 30 * SECOND, "purchase", round(value, 2))
                at += int((40 + 40 * random.random()) * SECOND)
            at += int(random.exponential(2.0) * DAY) + 2 * 3600 * SECOND

    def _page(
        self, session: str, name: str, at: int, first_touch: int, is_mobile: bool, done: set[str]
    ) -> None:
        date = self._date(at)
        if date > self.settings.last_date:
            return
        self.clock_events.append(ClockEvent(session, date, at, first_touch))
        for micro, rate in RATES.items():
            often = 4.0 if micro == "watch_video" and is_mobile else 1.0
            if self.random.random() < rate * often:
                self._do(session, name, at + int(15 * self.random.random() * SECOND), micro)
                done.add(micro)
        if self.random.random() < 0.02:
            self._do(session, name, at + 5 * SECOND, "add_to_cart")
        if self.random.random() < 0.0004:
            self._do(session, name, at + 5 * SECOND, "rare_event")

    def _buys(self, is_mobile: bool, done: set[str]) -> bool:
        log_odds = self.base_log_odds - 1.1 * is_mobile
        log_odds += sum(np.log(ratio) for micro, ratio in self.odds.items() if micro in done)
        return bool(self.random.random() < 1 / (1 + np.exp(-log_odds)))

    def _do(
        self, session: str | None, name: str, at: int, conversion: str, value: float | None = None
    ) -> None:
        date = self._date(at)
        if date <= self.settings.last_date:
            self.conversions.append(Conversion(conversion, name, session, date, at, value))

    @staticmethod
    def _date(at: int) -> dt.date:
        return dt.datetime.fromtimestamp(at / SECOND, tz=dt.UTC).date()
