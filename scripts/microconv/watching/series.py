"""Daily counts on an unbroken calendar: what every method that watches takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from microconv.evidence.quantities import Floats
from microconv.watching.units import SHARE


@dataclass(frozen=True)
class DailyRate:
    """A rate by day, a place per calendar day; a day of which nothing is known has 0 trials.

    A mean, such as revenue per visit, is a rate whose successes are the sum over its trials.

    Args:
        first_day: The day of place 0.
        successes: Trials that did it, per day; of a mean what they add up to, in its unit.
        trials: Sessions, visitors or whatever the rate is of, per day.
        variances: Of a mean, the variance of the sum of so many trials, per day, in the unit
            squared; NaN where it is unknown. None for a proportion, whose variance is binomial.
        unit: Of the rate, one of `units`.
    """

    first_day: date
    successes: Floats
    trials: Floats
    variances: Floats | None = None
    unit: str = SHARE

    @classmethod
    def from_rows(
        cls, days: Sequence[date], successes: npt.ArrayLike, trials: npt.ArrayLike
    ) -> DailyRate:
        """A series of rows in any order, one a day; days without a row are unknown.

        Raises:
            ValueError: Without rows, or with two rows of one day.
        """
        if not len(days) or len(set(days)) < len(days):
            raise ValueError("A daily series needs at least one row, and one row a day.")
        first = min(days)
        places = np.array([(day - first).days for day in days])
        counts = np.zeros((2, int(places.max()) + 1))
        counts[0, places] = np.asarray(successes, dtype=np.float64)
        counts[1, places] = np.asarray(trials, dtype=np.float64)
        return cls(first, counts[0], counts[1])

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def last_day(self) -> date:
        """The last calendar day."""
        return self.day(len(self) - 1)

    def day(self, place: int) -> date:
        """The day of a place."""
        return self.first_day + timedelta(days=place)

    def place(self, day: date) -> int:
        """The place of a day; may lie outside."""
        return (day - self.first_day).days

    def until(self, day: date) -> DailyRate:
        """The series up to and with a day; days after its last row are unknown."""
        wanted = max(self.place(day) + 1, 0)
        missing = max(wanted - len(self), 0)
        return replace(
            self,
            successes=np.pad(self.successes[:wanted], (0, missing)),
            trials=np.pad(self.trials[:wanted], (0, missing)),
            variances=None
            if self.variances is None
            else np.pad(self.variances[:wanted], (0, missing)),
        )

    def since(self, place: int) -> DailyRate:
        """The series from a place on."""
        return replace(
            self,
            first_day=self.day(place),
            successes=self.successes[place:],
            trials=self.trials[place:],
            variances=None if self.variances is None else self.variances[place:],
        )

    def without(self, days: Collection[date]) -> DailyRate:
        """The series with some days unknown, such as those of an outage."""
        known = np.ones(len(self), dtype=np.bool_)
        for place in map(self.place, days):
            if 0 <= place < len(self):
                known[place] = False
        return replace(
            self,
            successes=np.where(known, self.successes, 0.0),
            trials=np.where(known, self.trials, 0.0),
            variances=None if self.variances is None else np.where(known, self.variances, 0.0),
        )

    @property
    def is_proportion(self) -> bool:
        """Whether every day has between none and all of its trials as successes."""
        return self.is_watchable and bool((self.successes <= self.trials).all())

    @property
    def is_watchable(self) -> bool:
        """Whether it is a proportion, or a mean of what is never below 0."""
        counted = np.isfinite(self.successes) & np.isfinite(self.trials)
        known = bool((counted & (self.successes >= 0)).all())
        return known and (self.variances is not None or bool((self.successes <= self.trials).all()))


def shifted(values: Floats, days: int) -> Floats:
    """The values of `days` earlier at each place; NaN before the first."""
    moved = np.full(len(values), np.nan)
    if days < len(values):
        moved[days:] = values[: len(values) - days]
    return moved


def trailing_sum(values: Floats, days: int) -> Floats:
    """The sum over each day and the ones before it, `days` in all; NaN where there are fewer."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    sums = np.full(len(values), np.nan)
    if days <= len(values):
        sums[days - 1 :] = total[days:] - total[:-days]
    return sums
