"""The `correlate` command: reads the aggregates, judges, prints, and writes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.output import OutputFormat

if TYPE_CHECKING:
    from microconv.aggregates.run import Run
    from microconv.correlate.family import MacroEvidence

MacroOption = Annotated[
    str | None, typer.Option("--macro", help="Only this macro-conversion.", show_default="all")
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="Know only what was known at the end of this day (YYYY-MM-DD).",
        show_default="last loaded day",
    ),
]
NoWriteOption = Annotated[
    bool, typer.Option("--no-write", help="Print only; leave the evidence tables alone.")
]


def correlate(
    macro: MacroOption = None,
    as_of: AsOfOption = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How to print.")
    ] = OutputFormat.TABLE,
    no_write: NoWriteOption = False,
) -> None:
    """Say which micro-conversions announce a macro, with verdict, interval and self-check.

    Writes evidence_micro_conversions, evidence_segments, evidence_checks and evidence_joint.
    """
    from microconv.aggregates.run import open_run
    from microconv.correlate.columns import TABLES
    from microconv.correlate.rows import tables_of
    from microconv.writing import write_tables

    with open_run(macro, as_of) as run:
        found = _found(run)
    tables = tables_of(found, run.conversions)
    if output_format is OutputFormat.TABLE:
        _print(run, found)
    elif output_format is OutputFormat.CSV:
        output.print_csv(list(TABLES[tables[0].name]), tables[0].rows)
        _warn_refusals(run)
    else:
        output.print_json(_as_json(run, found))
    if not no_write and run.macros:
        write_tables(tables, TABLES, run.macros)


def _found(run: Run) -> list[MacroEvidence]:
    from microconv.correlate.family import read_macro

    with progress_of() as tell:
        return [
            read_macro(run.aggregates, basis, run.conversions, tell(basis.macro_name))
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

    for sentence in run.refusals.values():
        output.say_sentence(sentence)
        output.say()
    for one in found:
        show(one, run.conversions)
    if found:
        show_limits()
        output.say(f"Tables: {run.place}.")


def _warn_refusals(run: Run) -> None:
    for sentence in run.refusals.values():
        output.warn(sentence)


def _as_json(run: Run, found: Sequence[MacroEvidence]) -> dict[str, Any]:
    from microconv.correlate.rows import tables_of
    from microconv.evidence.templates import LIMITS

    tables = {table.name: table.rows for table in tables_of(found, run.conversions)}
    return {"refusals": run.refusals, **tables, "limits": list(LIMITS)}
