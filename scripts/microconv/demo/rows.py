"""From records to rows: late hits left out, duplicates doubled, malformed copies put in.

Everything is decided by a hash of the event, so it is the same however the records are sliced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from microconv.demo import settings
from microconv.demo.arrays import Bools, Ints, Words, choice, drawn, mixed
from microconv.demo.records import Fields, Records

SOUND, DUPLICATE, NULL_NAME, NULL_TIMESTAMP, GARBAGE_DATE = range(5)
"""Flaws of a row."""
FLAW_NAMES = ("sound", "duplicate", "null_event_name", "null_event_timestamp", "garbage_event_date")


@dataclass(frozen=True)
class Rows:
    """Rows of one table, in order: their record, their flaw and two hashes.

    `word` identifies the event, `page_word` the page load it happened on; `events` gives the code
    of each event that the site has.
    """

    records: Fields
    flaw: Ints
    word: Words
    page_word: Words
    events: Mapping[str, int]

    def where(self, kept: Bools) -> Rows:
        """The rows that `kept` selects."""
        index = np.flatnonzero(kept)
        return Rows(
            self.records.take(index),
            self.flaw[index],
            self.word[index],
            self.page_word[index],
            self.events,
        )

    def of(self, names: Sequence[str]) -> Ints:
        """Indices of the rows of these events, grouped by event; a site need not have them."""
        order, bounds = self._by_event
        codes = [self.events[name] for name in names if name in self.events]
        return np.concatenate([order[:0], *(order[bounds[c] : bounds[c + 1]] for c in codes)])

    @cached_property
    def _by_event(self) -> tuple[Ints, Ints]:
        """Row indices sorted by event, and where each event starts among them."""
        event = self.records["event"]
        order = np.argsort(event, kind="stable")
        return order, np.searchsorted(event[order], np.arange(len(self.events) + 1))

    def __len__(self) -> int:
        return len(self.records)


def event_words(records: Records) -> Words:
    """A hash that tells events apart."""
    what = (
        records["event"].astype(np.int64) * 256 + records["ordering"] * 16 + records["batch_index"]
    )
    return mixed(mixed(records["timestamp"], 11) ^ mixed(records["cookie"] * 8192 + what, 12), 13)


def rows_of(
    records: Records,
    events: Mapping[str, int],
    *,
    is_late_cut: bool,
    malformed_kind: int | None,
) -> tuple[Rows, int]:
    """The rows that the export holds for `records`, and how many events were left out as late.

    `is_late_cut` leaves out the events that arrive after the table was first written;
    `malformed_kind` adds one malformed copy of the first record, so that every table has one.
    """
    word = event_words(records)
    offered = len(records)
    if is_late_cut:
        on_time = ~drawn(word, 21, settings.LATE_PER_MILLION)
        records, word = records[on_time], word[on_time]
    page_word = mixed(records["page_at"] ^ (records["cookie"] << 20), 14)
    doubled = np.flatnonzero(drawn(word, 22, settings.DUPLICATE_PER_MILLION))
    broken = np.flatnonzero(drawn(word, 23, settings.MALFORMED_PER_MILLION))
    kind = NULL_NAME + choice(word[broken], 24, 3)
    if malformed_kind is not None and len(records):
        broken, kind = np.append(broken, 0), np.append(kind, malformed_kind)
    index = np.concatenate([np.arange(len(records)), doubled, broken])
    flaw = np.concatenate(
        [np.zeros(len(records), dtype=np.int64), np.full(len(doubled), DUPLICATE), kind]
    )
    order = np.argsort(index, kind="stable")
    index = index[order]
    rows = Rows(Fields(records, index), flaw[order], word[index], page_word[index], events)
    return rows, offered - len(records)
