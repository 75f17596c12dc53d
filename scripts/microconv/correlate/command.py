"""The `correlate` command: reads the aggregates, judges, prints, and writes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.clock import date_option
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from microconv.aggregates.run import Run
    from microconv.correlate.family import MacroEvidence
    from microconv.writing import Table

MacroOption = Annotated[
    str | None, typer.Option("--macro", help="Only this macro-conversion.", show_default="all")
]
AsOfOption = Annotated[
    date | None,
    date_option("--as-of", "Know only what was known at the end of this day.", "last loaded day"),
]
NoWriteOption = Annotated[
    bool, typer.Option("--no-write", help="Print only; leave the evidence tables alone.")
]


def correlate(
    macro: MacroOption = None,
    as_of: AsOfOption = None,
    output_format: FormatOption = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say which micro-conversions announce a macro, with verdict, interval and self-check.

    Writes evidence_micro_conversions, evidence_segments, evidence_checks and evidence_joint.

    Example: microconv correlate --macro purchase --format csv
    """
    from microconv.aggregates.run import open_run
    from microconv.correlate.columns import TABLES
    from microconv.correlate.rows import tables_of
    from microconv.writing import write_tables

    with open_run(macro, as_of) as run:
        found = read_all(run)
    tables = tables_of(found, run.conversions)
    output.print_as(
        output_format,
        lambda: _print(run, found),
        list(TABLES[tables[0].name]),
        tables[0].rows,
        _as_json(run, tables),
        run.refusals.values(),
    )
    if not no_write and run.macros:
        write_tables(tables, TABLES, run.macros)


def read_all(run: Run, has_joint: bool = True) -> list[MacroEvidence]:
    """What is known about every macro of which something can be said; see `read_macro`."""
    from microconv.correlate.family import read_macro

    with progress_of() as tell:
        return [
            read_macro(run.aggregates, basis, run.conversions, tell(basis.macro_name), has_joint)
            for basis in run.bases
            if basis.macro_name not in run.refusals
        ]


@contextmanager
def progress_of() -> Iterator[Any]:
    """A line on standard error that says what is worked on; silent where that is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("Reading the aggregates …") as status:

        def tell(macro: str) -> Any:
            return lambda name: status.update(f"{macro}: {name} …")

        yield tell


def _print(run: Run, found: Sequence[MacroEvidence]) -> None:
    from microconv.correlate.show import show, show_limits

    output.say_paragraphs(run.refusals.values())
    for one in found:
        show(one, run.conversions)
    if found:
        show_limits()
        output.say(f"Tables: {run.place}.")


def _as_json(run: Run, tables: Sequence[Table]) -> dict[str, Any]:
    from microconv.evidence.templates import LIMITS

    rows = {table.name: table.rows for table in tables}
    return {"refusals": run.refusals, **rows, "limits": list(LIMITS)}
