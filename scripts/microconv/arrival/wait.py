"""Waits, with a bound, until a day's export is there for every property."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from microconv.arrival.places import DAILY, FRESH, INTRADAY, Place, Shard
from microconv.clock import Clock, Deadline
from microconv.errors import MicroconvError

# A property of which no file came for so long is no longer exported, and nobody waits for it.
_RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Awaited:
    """What is waited for.

    Args:
        day: Whose export.
        takes_any: Whether a fresh or intraday table of the day will do.
    """

    day: date
    takes_any: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of tables that will do."""
        return (DAILY, FRESH, INTRADAY) if self.takes_any else (DAILY,)


@dataclass(frozen=True)
class Look:
    """What one look found: a sentence per property that lacks the day; none when all is there."""

    missing: tuple[str, ...]
    newest: date | None

    @property
    def is_here(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def look(place: Place, awaited: Awaited) -> Look:
    """Look once.

    Raises:
        MicroconvError: The place cannot be looked at.
    """
    shards = place.shards(awaited.day)
    # Files say by themselves which properties there are; before the first file it is one.
    recent = {one.property_id for one in shards if abs(awaited.day - one.day) <= _RECENT}
    properties = place.properties or sorted(recent) or ["property"]
    said = (_missing(awaited, one, shards) for one in properties)
    newest = max((one.day for one in shards if one.kind in awaited.kinds), default=None)
    return Look(tuple(sentence for sentence in said if sentence), newest)


def _missing(awaited: Awaited, property_id: str, shards: Iterable[Shard]) -> str:
    whose = "" if property_id == "property" else f" of property {property_id}"
    table = f"The export of {awaited.day}{whose}"
    own = [one for one in shards if one.property_id == property_id and one.day == awaited.day]
    wanted = [one for one in own if one.kind in awaited.kinds]
    if any(not one.fault for one in wanted):
        return ""
    if wanted:
        return f"{table} {wanted[0].fault}."
    if own:
        kinds = " and ".join(sorted({one.kind for one in own}))
        return f"{table} is not final yet: there is only its {kinds} table."
    return f"{table} is not there."


def wait_for(
    place: Place,
    awaited: Awaited,
    patience: float,
    pause: float,
    clock: Clock,
    tell: Callable[[str], None],
) -> Look:
    """Look until all is there or the patience is over; at least once.

    An error of a look counts as not yet, since a warehouse may be out of reach for a while; that of
    the last look is raised.

    Args:
        place: Where to look.
        awaited: What for.
        patience: Seconds.
        pause: Seconds between two looks.
        clock: Whose time.
        tell: Takes a sentence whenever what is missing changes.

    Returns:
        The last look.

    Raises:
        MicroconvError: The last look failed.
    """
    deadline, told = Deadline(clock, patience), ""
    while True:
        left = deadline.left()
        try:
            found = look(place, awaited)
            sentence = " ".join(found.missing)
            if found.is_here or left <= 0:
                return found
        except MicroconvError as error:
            if left <= 0:
                raise
            sentence = str(error)
        if sentence != told:
            tell(sentence)
            told = sentence
        clock.sleep(min(pause, left))
