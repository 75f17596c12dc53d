"""The `cohorts` command: reads the aggregates, compares, prints, and writes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from microconv import output
from microconv.correlate.command import AsOfOption, MacroOption, NoWriteOption
from microconv.errors import MicroconvError
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from microconv.aggregates.run import Run
    from microconv.cohorts.compare import MacroCohorts
    from microconv.writing import Row

BehaviourOption = Annotated[
    str | None,
    typer.Option(
        "--behaviour",
        help="Show only this one: a micro-conversion, `activated` or `3 or more`.",
        show_default="all",
    ),
]


def cohorts(
    behaviour: BehaviourOption = None,
    macro: MacroOption = None,
    as_of: AsOfOption = None,
    output_format: FormatOption = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say what new visitors did later, by first week and by what they did early on.

    Writes evidence_cohorts.

    Example: microconv cohorts --macro purchase
    """
    from microconv.aggregates.run import open_run
    from microconv.cohorts.compare import read_macro_cohorts
    from microconv.cohorts.rows import COLUMNS, TABLE, cohort_rows
    from microconv.cohorts.words import LIMITS
    from microconv.correlate.rows import run_id
    from microconv.writing import Table, write_tables

    with open_run(macro, as_of) as run:
        found = [
            read_macro_cohorts(run.aggregates, basis)
            for basis in run.bases
            if basis.macro_name not in run.refusals
        ]
    wanted = _wanted(behaviour, found)
    name = run_id(run.bases)
    rows: list[Row] = [row for one in found for row in cohort_rows(one, run.conversions, name)]
    shown = [row for row in rows if row["behaviour_name"] in wanted]
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


def _wanted(behaviour: str | None, found: Sequence[MacroCohorts]) -> list[str]:
    names = sorted({one.behaviour for macro in found for one in macro.compared})
    if behaviour is None or not names:
        return names
    wanted = [name for name in names if behaviour in (name, name.strip("()"))]
    if not wanted:
        listed = ", ".join(name.strip("()") for name in names)
        raise MicroconvError(f"There is no behaviour “{behaviour}”; there are {listed}.")
    return wanted


def _print(run: Run, found: Sequence[MacroCohorts], wanted: Sequence[str]) -> None:
    from microconv.cohorts.show import show, show_limits

    output.say_paragraphs(run.refusals.values())
    for one in found:
        show(one, run.conversions, wanted)
    if found:
        show_limits()
        output.say(f"Tables: {run.place}.")
