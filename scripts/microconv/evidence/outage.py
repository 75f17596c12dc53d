"""Days on which an event is hardly counted although visitors are there: tracking, not behaviour.

Whoever did it on such a day counts as not having done it, which spoils both sides of a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import Bools, Floats, ratio

LEAST_EXPECTED = 20.0
"""Fewer expected may be none by chance; from here on a tenth of it is not."""

LEAST_EXPECTED_OF_A_DAY = 3.0
"""A day that promises fewer is passed over: a quartile says too much of what is rarer."""

SILENT_SHARE = 0.1
"""A day with less than this share of what is expected is silent."""

LARGEST_MISSING_SHARE = 0.05
"""With a larger share of the event missing, nothing is concluded from the rest."""

_TYPICAL_QUANTILE = 0.75  # Above the middle, since an outage may be longer than half of the time.


@dataclass(frozen=True)
class Outage:
    """How long an event was silent.

    Args:
        days: Days with visits.
        silent_days: Those of them on which it was hardly counted.
        first_day: The first silent day; None without one.
        last_day: The last silent day; there may be others between them.
        missing_share: Share of all expected events that were expected on silent days, in 0..1.
    """

    days: int = 0
    silent_days: int = 0
    first_day: date | None = None
    last_day: date | None = None
    missing_share: float = 0.0

    @property
    def is_long(self) -> bool:
        """Whether too much is missing to conclude anything."""
        return self.missing_share > LARGEST_MISSING_SHARE


NO_OUTAGE = Outage()


def silent_days(events: npt.ArrayLike, visits: npt.ArrayLike) -> tuple[Bools, Floats]:
    """Which days are silent, and how many events were expected on each.

    Days in a row with under a tenth of what is expected are judged together, so that a small site,
    where one such day is chance, is told from one whose event has been missing for a week.

    Args:
        events: How often something was counted on each day.
        visits: What it is expected from, such as the sessions of each day; 0 for a day without any.
    """
    counted, size = np.asarray(events, dtype=np.float64), np.asarray(visits, dtype=np.float64)
    seen = size > 0
    if not seen.any():
        return np.zeros(len(size), dtype=np.bool_), np.zeros(len(size))
    expected = float(np.quantile(counted[seen] / size[seen], _TYPICAL_QUANTILE)) * size
    is_low = counted < SILENT_SHARE * expected
    is_telling = is_low & (expected >= LEAST_EXPECTED_OF_A_DAY)
    # Days without visits neither end a row of days nor belong to it.
    row = np.cumsum(seen & ~is_low)
    together = np.bincount(row, weights=np.where(is_telling, expected, 0.0))
    return is_telling & (together[row] >= LEAST_EXPECTED), expected


def find_outage(days: Sequence[date], events: npt.ArrayLike, visits: npt.ArrayLike) -> Outage:
    """Days on which an event is under a tenth of what its rate on other days promises.

    Args:
        days: The days, ascending.
        events: How often it was counted on each.
        visits: Sessions of each day, of whatever kind.
    """
    is_silent, expected = silent_days(events, visits)
    seen = int((np.asarray(visits, dtype=np.float64) > 0).sum())
    silent = np.flatnonzero(is_silent)
    if not len(silent):
        return Outage(days=seen)
    return Outage(
        days=seen,
        silent_days=len(silent),
        first_day=days[silent[0]],
        last_day=days[silent[-1]],
        missing_share=ratio(float(expected[silent].sum()), float(expected.sum())),
    )
