"""The `lead-lag` command: reads daily rates, judges, prints, and writes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from microconv import output
from microconv.clock import date_option
from microconv.correlate.command import MacroOption, NoWriteOption
from microconv.errors import MicroconvError
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from microconv.aggregates.run import Run
    from microconv.aggregates.types import Conversion
    from microconv.lead_lag.family import MacroLags
    from microconv.writing import Row

MicroOption = Annotated[
    str | None,
    typer.Option("--micro", help="Show only this micro-conversion.", show_default="all"),
]


AsOfOption = Annotated[
    date | None,
    date_option(
        "--as-of",
        "Look at no day after this one, and at no delays of single visitors.",
        "last loaded day",
    ),
]


def lead_lag(
    macro: MacroOption = None,
    micro: MicroOption = None,
    as_of: AsOfOption = None,
    output_format: FormatOption = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say whose daily rate moves days before that of a macro, or that none does.

    Writes evidence_lead_lag.

    Example: microconv lead-lag --macro purchase --no-write
    """
    from microconv.aggregates.run import open_run
    from microconv.correlate.rows import run_id
    from microconv.lead_lag.family import judge_macro
    from microconv.lead_lag.read import read_delays, read_rates
    from microconv.lead_lag.rows import COLUMNS, TABLE, lead_lag_rows
    from microconv.lead_lag.words import LIMITS
    from microconv.writing import Table, write_tables

    with open_run(macro, None) as run:
        wanted = _wanted(micro, run.conversions)
        if as_of is not None:
            run = _known_on(run, as_of)
        bases = [basis for basis in run.bases if basis.macro_name not in run.refusals]
        daily = read_rates(run.aggregates.warehouse, bases[0].as_of_date) if bases else None
        found = [
            judge_macro(
                basis,
                run.conversions,
                daily,
                # A delay of single visitors is over all that is loaded.
                read_delays(run.aggregates.warehouse, basis.macro_name) if as_of is None else {},
            )
            for basis in bases
            if daily is not None
        ]
    name = run_id(run.bases)
    rows: list[Row] = [row for one in found for row in lead_lag_rows(one, run.conversions, name)]
    shown = [row for row in rows if row["micro_name"] in wanted]
    said = {"refusals": run.refusals, TABLE: shown, "limits": list(LIMITS)}
    output.print_as(
        output_format,
        lambda: _print(run, found, wanted),
        list(COLUMNS),
        shown,
        said,
        run.refusals.values(),
    )
    if not no_write and run.macros:
        write_tables([Table(TABLE, tuple(rows))], {TABLE: COLUMNS}, run.macros)


def _wanted(micro: str | None, conversions: Mapping[str, Conversion]) -> list[str]:
    names = sorted(name for name, one in conversions.items() if one.conversion_type == "micro")
    if micro is None:
        return names
    if micro not in names:
        known = ", ".join(names) or "none"
        raise MicroconvError(f"There is no micro-conversion “{micro}”; there are {known}.")
    return [micro]


def _known_on(run: Run, day: date) -> Run:
    """The run as of an earlier day: daily rates are cut there, as the tables of today have them."""
    last = max((basis.as_of_date for basis in run.bases), default=day)
    if day > last:
        raise MicroconvError(f"{day} is not loaded yet; the last loaded day is {last}.")
    bases = tuple(replace(basis, as_of_date=day) for basis in run.bases)
    return replace(run, bases=bases)


def _print(run: Run, found: Sequence[MacroLags], wanted: Sequence[str]) -> None:
    from microconv.lead_lag.show import show, show_limits

    output.say_paragraphs(run.refusals.values())
    for one in found:
        show(one, run.conversions, wanted)
    if found:
        show_limits()
        output.say(f"Tables: {run.place}.")
