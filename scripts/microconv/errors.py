"""The one error that a user is meant to see."""

from __future__ import annotations

from collections.abc import Sequence

# Exit codes of every command, so that a scheduler can tell a wrong seed from a wrong call, and both
# from an export that has not come yet or a run that is still going.
OK = 0
FINDINGS = 1
USAGE = 2
LATE = 3
BUSY = 4


class MicroconvError(Exception):
    """Something the user can put right, said in the user's words.

    Args:
        message: What is wrong, as one sentence.
        remedy: What to do about it, as one sentence; may be empty.
        exit_code: 1 when data or seeds are wrong, 2 when the call or the configuration is, 3 when a
            day's export has not come, 4 when another run is going.
    """

    def __init__(self, message: str, remedy: str = "", exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class NotBuiltError(MicroconvError):
    """There is no database yet: nothing was built."""


def refuse_unknown(
    noun: str, name: str | None, known: Sequence[str], most: int | None = None
) -> None:
    """Raise the error of a name that was asked for and is not there; None asks for none.

    Args:
        known: What there is; the error names the first `most`, or all.
    """
    if name is not None and name not in known:
        listed = ", ".join(known[:most]) or "none"
        raise MicroconvError(f"There is no {noun} '{name}'.", f"There are: {listed}.")
