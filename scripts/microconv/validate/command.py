"""The `validate` command: whether the raw export keeps its contract, before a build."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microconv import output
from microconv.clock import Clock, date_of
from microconv.errors import FINDINGS, USAGE, MicroconvError
from microconv.files import write_file
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from microconv.validate.outcome import Outcome

YESTERDAY = "yesterday"


def validate(
    export: Annotated[
        str | None,
        typer.Option(
            help="Glob of export files to judge.",
            show_default="what a build would read",
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=366,
            help="So many of the newest dates.",
            show_default="late_arrival_days and one more",
        ),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            help="The date that the newest day must have: YYYY-MM-DD, or yesterday in "
            "property_time_zone.",
            show_default="any",
        ),
    ] = None,
    warn_only: Annotated[
        bool, typer.Option("--warn-only", help="Say what is broken, and exit with 0 all the same.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write the result as a page.", show_default="none"),
    ] = None,
    output_format: FormatOption = OutputFormat.TABLE,
) -> None:
    """Judge the newest days of the raw export against its contract, before a build.

    `check` looks at names and footers of files, `validate` at what rows hold, on files and on
    BigQuery. Exit codes: 0 the contract holds or only warns, 1 it is broken, 2 it could not be
    judged.

    Example: microconv validate --days 7 --out target/validation.html
    """
    from microconv.profile import find_project_dir

    try:
        project_dir = find_project_dir()
        found = _run(project_dir, export, days, _expected(expect), strict)
        _print(found, output_format, warn_only)
        if out is not None:
            _write(found, out, warn_only)
    except MicroconvError as error:
        raise MicroconvError(error.message, error.remedy, USAGE) from error
    if found.is_broken and not warn_only:
        raise typer.Exit(FINDINGS)


def _run(
    project_dir: Path, export: str | None, days: int | None, expected: date | None, strict: bool
) -> Outcome:
    from microconv.validate.outcome import run

    return run(project_dir, export, days, expected, strict)


def _expected(text: str | None) -> date | None:
    """The date that was asked for; the one place where the clock is looked at."""
    if text is None:
        return None
    if text == YESTERDAY:
        from microconv.arrival.command import default_day

        return default_day(Clock())
    return date_of(text)


def _print(found: Outcome, output_format: OutputFormat, warn_only: bool) -> None:
    from microconv.validate import page

    output.print_as(
        output_format,
        lambda: _show(found, warn_only),
        page.COLUMNS,
        page.finding_rows(found),
        page.document(found),
        (),
    )


def _show(found: Outcome, warn_only: bool) -> None:
    from microconv.validate import words
    from microconv.validate.contract import SEVERITIES

    for severity in SEVERITIES:
        for sentence in words.sentences(found.judged, severity):
            output.say_sentence(f"{severity} – {sentence}")
    output.say_sentence(words.scope(found.profile))
    if untold := words.untold(found.measures):
        output.say_sentence(untold)
    output.say_sentence(words.verdict(found.judged, found.is_broken, warn_only))


def _write(found: Outcome, out: Path, warn_only: bool) -> None:
    from microconv.validate.page import render

    write_file(render(found, warn_only), out)
    output.note(f"Written to {out}.")
