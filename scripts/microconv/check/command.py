"""The `check` command: runs the checks, prints what they found, sets the exit code."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from microconv.errors import FINDINGS
from microconv.output import ListingFormat, print_json, say, warn

if TYPE_CHECKING:
    from microconv.check.problems import Problem
    from microconv.check.project import CheckResult


def check(
    export: Annotated[
        str | None,
        typer.Option(
            help="Glob of export files to check.",
            show_default="GA4_EXPORT_FILES, else the demo export",
        ),
    ] = None,
    seeds_only: Annotated[
        bool, typer.Option("--seeds-only", help="Leave the export files alone.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings fail too.")] = False,
    output_format: Annotated[
        ListingFormat, typer.Option("--format", help="How to print.")
    ] = ListingFormat.TABLE,
) -> None:
    """Check seeds and export files before any table is touched.

    Exit codes: 0 all is well, 1 something must be put right, 2 the call is wrong.

    Example: microconv check --seeds-only --strict
    """
    from microconv.check.project import check_project
    from microconv.profile import find_project_dir

    result = check_project(find_project_dir(), export, seeds_only)
    is_refused = bool(result.problems if strict else result.having("error"))
    if output_format is ListingFormat.JSON:
        print_json(_as_json(result, is_refused))
    else:
        _print_listing(result, is_refused)
    if is_refused:
        raise typer.Exit(FINDINGS)


def _as_json(result: CheckResult, is_refused: bool) -> dict[str, object]:
    return {
        "ok": not is_refused,
        "checked": {
            "conversions": result.conversion_count,
            "rules": result.rule_count,
            "funnels": result.funnel_count,
            "files": result.file_count,
            "days": result.day_count,
        },
        "problems": [problem.as_dict() for problem in result.problems],
    }


def _print_listing(result: CheckResult, is_refused: bool) -> None:
    for severity, heading in (("warning", "warning"), ("error", "must be put right")):
        problems = result.having(severity)
        for file, in_file in groupby(problems, key=lambda problem: problem.file):
            warn(f"{file} ({heading})")
            for problem in in_file:
                warn(f"  {describe(problem)}")
    if is_refused:
        warn(
            f"{_plural(len(result.having('error')), 'error')}, "
            f"{_plural(len(result.having('warning')), 'warning')}."
        )
    else:
        say(summary_line(result))


def describe(problem: Problem) -> str:
    """One problem as one line: place, value, what is wrong, what to do."""
    from microconv.check.problems import quoted

    place = problem.place()
    if place and problem.value and problem.value not in problem.message:
        place = f"{place} {quoted(problem.value)}"
    sentence = f"{place}: {problem.message}" if place else problem.message
    return f"{sentence} {problem.remedy}".rstrip()


def summary_line(result: CheckResult) -> str:
    """What was looked at, for when nothing has to be put right."""
    counts = [
        _plural(result.conversion_count, "conversion"),
        _plural(result.rule_count, "rule"),
        _plural(result.funnel_count, "funnel"),
    ]
    if result.file_count is not None and result.day_count is not None:
        counts += [_plural(result.file_count, "export file"), _plural(result.day_count, "day")]
    warnings = len(result.having("warning"))
    verdict = f"no errors, {_plural(warnings, 'warning')}" if warnings else "all well"
    return f"Checked {', '.join(counts)}: {verdict}."


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
