"""Counts of what was really written, so that tests can compare the pipeline with the truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

from microconv.demo import records as rec
from microconv.demo.arrays import Bools, Ints, mixed
from microconv.demo.records import has
from microconv.demo.rows import DUPLICATE, FLAW_NAMES, NULL_NAME, SOUND, Rows
from microconv.demo.site import Site

_KEEP_UNSORTED = 4_000_000
_CENTS_LIMIT = 2**24
SALES = ("purchase", "in_app_purchase")
"""The events that carry revenue."""


class Distinct:
    """Counts distinct integers; holds each once."""

    def __init__(self) -> None:
        self._parts: list[Ints] = []
        self._pending = 0

    def add(self, values: Ints) -> None:
        """Take note of `values`."""
        part = np.unique(values)
        self._parts.append(part)
        self._pending += len(part)
        if self._pending > _KEEP_UNSORTED:
            self._merge()

    def _merge(self) -> None:
        self._parts = [np.unique(np.concatenate(self._parts))] if self._parts else []
        self._pending = 0

    def values(self) -> Ints:
        """The different values seen, ascending."""
        self._merge()
        return self._parts[0] if self._parts else np.zeros(0, dtype=np.int64)

    def count(self) -> int:
        """How many different values were seen."""
        return len(self.values())


@dataclass
class TableCount:
    """Rows of one written table. `rows` = `sound` + `duplicates` + all of `malformed`."""

    file: str
    date: str
    kind: str
    rows: int = 0
    sound: int = 0
    duplicates: int = 0
    malformed: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(FLAW_NAMES[NULL_NAME:], 0)
    )
    consentless: int = 0
    bot_events: int = 0
    held_back_late: int = 0

    def add(self, rows: Rows, held_back: int) -> None:
        """Count a slice; `held_back` events of it arrive later."""
        sound = rows.flaw == SOUND
        self.rows += len(rows)
        self.sound += int(sound.sum())
        self.duplicates += int((rows.flaw == DUPLICATE).sum())
        for flaw in range(NULL_NAME, len(FLAW_NAMES)):
            self.malformed[FLAW_NAMES[flaw]] += int((rows.flaw == flaw).sum())
        self.consentless += int((sound & has(rows.records, rec.NO_CONSENT)).sum())
        self.bot_events += int((sound & has(rows.records, rec.BOT)).sum())
        self.held_back_late += held_back


class Tally:
    """Totals over the sound rows, taking one table per date as the pipeline must."""

    def __init__(self, site: Site) -> None:
        self.tables: list[TableCount] = []
        self._site = site
        self._events: Ints = np.zeros(len(site.event_names), dtype=np.int64)
        self._distinct = {
            name: Distinct()
            for name in ("cookies", "stitched_cookies", "user_ids", "sessions", "bots", "orders")
        }
        self._amounts = dict.fromkeys(("without_id", "consentless", "internal"), 0)
        self._cents = dict.fromkeys(("without_id", "refunded"), 0)

    def add(self, rows: Rows) -> None:
        """Count a slice of a date's first-choice table."""
        sound = rows.where(rows.flaw == SOUND)
        records = sound.records
        self._events += np.bincount(records["event"], minlength=len(self._site.event_names))
        consented = ~has(records, rec.NO_CONSENT)
        on_site = consented & ~has(records, rec.OFF_SESSION)
        logged_in = has(records, rec.LOGGED_IN)
        cookie = records["cookie"]
        session = mixed(mixed(cookie, 61) ^ records["session_second"].astype(np.uint64), 62)
        seen: tuple[tuple[str, Ints, Bools], ...] = (
            ("cookies", cookie, consented),
            ("stitched_cookies", cookie, logged_in),
            ("user_ids", cookie // 2, logged_in),
            ("sessions", session.view(np.int64), on_site),
            ("bots", cookie, has(records, rec.BOT)),
        )
        for name, values, mask in seen:
            self._distinct[name].add(values[mask])
        self._add_orders(sound)

    def _add_orders(self, sound: Rows) -> None:
        records = sound.records
        cents = records["value"].astype(np.int64)
        purchase = np.isin(records["event"], self._site.codes(SALES))
        nameless = purchase & has(records, rec.NO_ORDER_ID)
        named = purchase & ~nameless
        # A repeated row has its order's amount, so order and amount together occur once per order.
        self._distinct["orders"].add(records["order"][named] * _CENTS_LIMIT + cents[named])
        self._amounts["without_id"] += int(nameless.sum())
        self._amounts["consentless"] += int((purchase & has(records, rec.NO_CONSENT)).sum())
        self._amounts["internal"] += int((purchase & has(records, rec.INTERNAL)).sum())
        self._cents["without_id"] += int(cents[nameless].sum())
        self._cents["refunded"] += int(cents[records["event"] == self._site.code("refund")].sum())

    def as_json(self) -> dict[str, object]:
        """Exact counts; amounts in USD. Rules of counting stand in the keys' names."""
        count = {name: distinct.count() for name, distinct in self._distinct.items()}
        by_name = dict(zip(self._site.event_names, self._events.tolist(), strict=True))
        sales = sum(by_name.get(name, 0) for name in SALES)
        return {
            "sound_events": int(self._events.sum()),
            "sound_events_by_name": by_name,
            "distinct_user_pseudo_ids": count["cookies"],
            "distinct_user_ids": count["user_ids"],
            "visitors_after_stitching": count["cookies"]
            - count["stitched_cookies"]
            + count["user_ids"],
            "distinct_sessions": count["sessions"],
            "bots": count["bots"],
            "purchases": {
                "sound_rows": sales,
                "unique_transaction_ids": count["orders"],
                "repeated_transaction_rows": sales - count["orders"] - self._amounts["without_id"],
                "rows_without_transaction_id": self._amounts["without_id"],
                "consentless_rows": self._amounts["consentless"],
                "internal_rows": self._amounts["internal"],
                "revenue_usd_of_unique_ids": int(
                    (self._distinct["orders"].values() % _CENTS_LIMIT).sum()
                )
                / 100,
                "revenue_usd_without_id": self._cents["without_id"] / 100,
            },
            "refunds": {
                "rows": by_name.get("refund", 0),
                "refunded_usd": self._cents["refunded"] / 100,
            },
            "tables": [asdict(table) for table in self.tables],
        }
