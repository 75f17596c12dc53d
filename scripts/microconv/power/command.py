"""The `power` command: how many visitors, how many weeks, and what could be found sooner."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.errors import MicroconvError
from microconv.output import FormatOption, OutputFormat
from microconv.shares import LooksOption, MdeOption, share_option

if TYPE_CHECKING:
    from microconv.deciding import SampleSize

_COLUMNS = (
    *("baseline", "mde", "alpha", "power", "looks", "limit", "visitors_per_arm"),
    *("visitors_per_week", "weeks", "days", "max_weeks", "smallest_lift_in_max_weeks"),
)


def power(
    baseline: Annotated[
        float,
        share_option("--baseline", "The usual rate of what is measured, such as 2%."),
    ],
    traffic: Annotated[
        float, typer.Option(min=0, help="Visitors a week who can enter, in all variants together.")
    ],
    mde: MdeOption = "10%",  # type: ignore[assignment]
    max_weeks: Annotated[float, typer.Option(help="How long the experiment may run.")] = 4.0,
    alpha: Annotated[
        float,
        share_option("--alpha", "Chance of a difference where there is none, two-sided.", "5%"),
    ] = "5%",  # type: ignore[assignment]
    power: Annotated[
        float,
        share_option("--power", "Chance of finding a change of this size.", "80%"),
    ] = "80%",  # type: ignore[assignment]
    looks: LooksOption = 1,
    output_format: FormatOption = OutputFormat.TABLE,
) -> None:
    """Say how many visitors an experiment with two variants needs, and how many weeks that takes.

    Example: microconv power --baseline 2% --mde 10% --traffic 10000
    """
    from microconv.deciding import limit_for_looks, sample_size, sample_size_sentence, smallest_lift
    from microconv.evidence.quantities import normal_quantile, two_sided_p
    from microconv.evidence.refusal import Refusal

    if not 0 < max_weeks < math.inf:
        raise MicroconvError("--max-weeks must be a number of weeks above 0.")
    if not traffic < math.inf:
        raise MicroconvError("--traffic must be a number of visitors.")
    limit = limit_for_looks(looks, alpha) if looks > 1 else normal_quantile(1 - alpha)
    # Every look at this |z|: what the last one finds is a little less than all of them together.
    level = two_sided_p(limit)
    found = sample_size(baseline, mde, traffic, level, power)
    if isinstance(found, Refusal):
        raise MicroconvError(" ".join(found.reasons))
    smallest = smallest_lift(baseline, max_weeks * traffic / 2, level, power)
    asked = (baseline, mde, alpha, power, looks, limit, math.ceil(found.per_arm))
    gives = (traffic, found.weeks, found.days, max_weeks, smallest)
    row: dict[str, Any] = dict(zip(_COLUMNS, (*asked, *gives), strict=True))
    output.print_as(
        output_format,
        lambda: _print(sample_size_sentence(found), found, row),
        _COLUMNS,
        [row],
        row,
        (),
    )


def _print(sentence: str, found: SampleSize, row: dict[str, Any]) -> None:
    output.print_table(
        f"Power {row['power']:.0%}, level {row['alpha']:.3g} two-sided",
        ["Usual rate", "Change", "Visitors per variant", "Weeks", f"In {row['max_weeks']:g} weeks"],
        [
            [
                output.percentage(found.rate),
                f"{found.lift:+.1%}",
                output.count(row["visitors_per_arm"]),
                f"{found.weeks:,.1f}",
                _change(row["smallest_lift_in_max_weeks"]),
            ]
        ],
        left_columns=0,
    )
    output.say_sentence(sentence)
    output.say_sentence(
        f"In {row['max_weeks']:g} weeks {_change(row['smallest_lift_in_max_weeks'])} is the "
        "smallest rise that is found so reliably. Run whole weeks, and decide by the size that "
        "was planned, not by the first look that pleases."
    )
    if row["looks"] > 1:
        output.say_sentence(
            f"With {row['looks']} looks each must exceed |z| = {row['limit']:.2f}; the numbers "
            "hold for that."
        )


def _change(lift: float) -> str:
    return "no rise" if math.isnan(lift) else f"{lift:+.1%}"
