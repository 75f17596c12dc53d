"""What a method returns when the data do not allow an answer: sentences, never a number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer: plain sentences."""

    reasons: tuple[str, ...]

    @classmethod
    def because(cls, *reasons: str) -> Refusal:
        """A refusal for these reasons."""
        return cls(reasons)
