"""Shares as people write them on the command line: `10%`, `10 %` or `0.1`."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer


def share_of(text: str) -> float:
    """The share that a text says, of 1.

    Raises:
        typer.BadParameter: It is no finite number.
    """
    cleaned = text.strip()
    is_percent = cleaned.endswith("%")
    try:
        number = float(cleaned.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise typer.BadParameter(f"'{text}' is no share; write it as 10% or 0.1.")
    return number / 100 if is_percent else number


def positive_share_of(text: str) -> float:
    """The same above 0 and below 1.

    Raises:
        typer.BadParameter: It is not.
    """
    share = share_of(text)
    if not 0 < share < 1:
        raise typer.BadParameter(f"'{text}' does not lie between 0 and 100 %.")
    return share


def share_option(name: str, said: str, default: str | None = None) -> Any:
    """An option that takes a share above 0 and below 1.

    Args:
        name: Such as `--mde`.
        said: Its help.
        default: As it is shown; None for an option that must be given.
    """
    return typer.Option(
        name,
        parser=positive_share_of,
        metavar="SHARE",
        help=said,
        show_default=default or False,
    )


MdeOption = Annotated[
    float, share_option("--mde", "The relative change that should be found, such as 10%.", "10%")
]
LooksOption = Annotated[
    int, typer.Option("--looks", min=1, max=200, help="How often the result is looked at.")
]
