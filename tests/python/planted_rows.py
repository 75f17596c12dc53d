"""What was planted many times over and how often it was found, against exact binomial limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom

_TAIL = 0.005
SURE = 0.97  # what "always" means where a limit must have room for chance
FAILED = "**no**"


@dataclass(frozen=True)
class Row:
    """One line of the result.

    Args:
        planted: What.
        asked: What is counted, in words.
        worlds: How many there were.
        found: Share of them, or news per rate.
        limit: What that is held against.
        is_most: Whether it may be at most so much; at least, else.
    """

    planted: str
    asked: str
    worlds: int
    found: float
    limit: float
    is_most: bool = False

    @property
    def passes(self) -> bool:
        """Whether it holds."""
        return self.found <= self.limit if self.is_most else self.found >= self.limit

    def __str__(self) -> str:
        verdict = "yes" if self.passes else FAILED
        return (
            f"| {self.planted} | {self.asked} | {self.worlds:,} | {self.found:.3f} | "
            f"{'≤' if self.is_most else '≥'} {self.limit:.3f} | {verdict} |"
        )


def at_least(planted: str, asked: str, hits: list[bool], share: float) -> Row:
    """Held against the share that a method which reaches `share` passes 99.5 times of 100."""
    limit = float(binom.ppf(_TAIL, len(hits), share)) / len(hits)
    return Row(planted, asked, len(hits), float(np.mean(hits)), limit)


def at_most(planted: str, asked: str, hits: list[bool], share: float) -> Row:
    """The same from above."""
    limit = float(binom.ppf(1 - _TAIL, len(hits), share)) / len(hits)
    return Row(planted, asked, len(hits), float(np.mean(hits)), limit, is_most=True)


Piece = Callable[[int, Path], Iterator[Row]]
"""Rows of so many worlds, in a folder of its own."""
