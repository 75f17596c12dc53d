"""What a check can say: one problem, and the words they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is and what to do.

    `row` is the line of the file as an editor counts it (the header is 1), None when the whole
    file is meant.
    """

    file: str
    message: str
    remedy: str = ""
    row: int | None = None
    column: str | None = None
    value: str | None = None
    severity: Severity = "error"

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON shows it."""
        return asdict(self)

    def place(self) -> str:
        """Row and column in words, such as `row 5, funnel_stage`; empty for a whole file."""
        parts = [f"row {self.row}" if self.row is not None else "", self.column or ""]
        return ", ".join(part for part in parts if part)


def quoted(value: str, longest: int = 60) -> str:
    """The value in quotes, cut when it is long, so that a message stays one readable sentence."""
    shown = value if len(value) <= longest else value[: longest - 1] + "…"
    return f"'{shown}'"


def nearest(value: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that the value is most likely a slip of, or None when nothing is near."""
    folded = {word.lower(): word for word in allowed}
    found = difflib.get_close_matches(value.lower(), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def allowed_words(value: str, allowed: Iterable[str]) -> str:
    """The remedy for a word that is not allowed: the nearest one, then all of them."""
    words = list(allowed)
    slip = nearest(value, words)
    hint = f"Did you mean '{slip}'? " if slip else ""
    return f"{hint}Allowed: {', '.join(words)}."
