"""The clock, for what must wait; numbers never ask it, since their "now" is the last loaded day."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from microconv.errors import MicroconvError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_SECONDS = 7 * 86400


@dataclass
class Clock:
    """The machine's clock. A test puts another one in its place.

    `seconds` only ever counts up, also when the machine's time is set back.
    """

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class Deadline:
    """How much of a time is left.

    Args:
        clock: Whose time.
        patience: Seconds from now on.
    """

    clock: Clock
    patience: float
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock.seconds()

    def left(self) -> float:
        """Seconds that are left; 0 when the time is over."""
        return max(self.started + self.patience - self.clock.seconds(), 0.0)


def yesterday(time_zone: str, clock: Clock) -> date:
    """The last day that is over in a time zone.

    Raises:
        MicroconvError: There is no such time zone.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MicroconvError(
            f"There is no time zone '{time_zone}'.",
            "Set property_time_zone in dbt_project.yml to a name such as Europe/Berlin.",
        ) from error
    return clock.now().astimezone(zone).date() - timedelta(days=1)


def seconds_of(text: str) -> int:
    """The seconds of a time such as `90s`, `30m`, `6h`, `1d` or `0`.

    Raises:
        typer.BadParameter: It is none, or longer than a week.
    """
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip().lower())
    if text.strip() == "0":
        return 0
    seconds = int(found.group(1)) * _UNITS[found.group(2)] if found else -1
    if not 0 <= seconds <= _LONGEST_SECONDS:
        raise typer.BadParameter(f"'{text}' is no time; write 90s, 30m, 6h or 1d, at most 7d.")
    return seconds


def date_of(text: str) -> date:
    """The day that a text says.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no day; write it as YYYY-MM-DD.") from None


def duration_option(name: str, said: str) -> Any:
    """An option that takes a time, such as 6h."""
    return typer.Option(name, parser=seconds_of, metavar="TIME", help=said)


def date_option(name: str, said: str, default: str | None = None) -> Any:
    """An option that takes a day.

    Args:
        name: Such as `--day`.
        said: Its help.
        default: As it is shown; None shows none.
    """
    return typer.Option(
        name, parser=date_of, metavar="YYYY-MM-DD", help=said, show_default=default or False
    )


def in_words(seconds: float) -> str:
    """A time for people, such as `1 h 5 min`, `12 min` or `3.2 s`."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
