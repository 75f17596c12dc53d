"""One line of the examination, and how a failed one is turned into words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from microconv.errors import MicroconvError
from microconv.secrets import hide_known_secrets

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to try."""

    subject: str
    status: Status
    message: str
    remedy: str = ""


Check = Callable[[], Iterable[Finding]]


def examined(subject: str, check: Check) -> Iterator[Finding]:
    """The findings of a check; an error is one too, and no other check is kept from running."""
    try:
        yield from list(check())
    except MicroconvError as error:
        yield Finding(
            subject, "fail", hide_known_secrets(error.message), hide_known_secrets(error.remedy)
        )
    except Exception as error:
        # Its words are a program's and could quote anything.
        yield Finding(subject, "fail", f"It ended with {type(error).__name__}.", "Try `dbt debug`.")
