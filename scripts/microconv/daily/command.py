"""The `daily` command: everything a day needs, from its export to the report, for a scheduler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from microconv.arrival.command import AnyTableOption, DayOption, default_day
from microconv.clock import Clock, date_option, duration_option, in_words, seconds_of
from microconv.daily.days import days_to_read
from microconv.daily.session import Session
from microconv.daily.stages import Choice, Plan, Stage, chosen, stages_of
from microconv.errors import MicroconvError
from microconv.output import print_table, say_at_once


def daily(
    day: DayOption = None,
    patience: Annotated[
        int, duration_option("--wait", "How long to wait for the day's export; 0 looks once.")
    ] = "0",  # type: ignore[assignment]
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Take what there is, whatever day it is.")
    ] = False,
    any_table: AnyTableOption = False,
    late_ok: Annotated[
        bool, typer.Option("--late-ok", help="Go on with what there is if it does not come.")
    ] = False,
    first: Annotated[
        date | None, date_option("--from", "Backfill: read these days again, from this one on.")
    ] = None,
    last: Annotated[
        date | None, date_option("--to", "Backfill: the last day.", "yesterday")
    ] = None,
    days_at_once: Annotated[
        int, typer.Option("--days-at-once", min=1, help="Days that a backfill builds at once.")
    ] = 31,
    from_stage: Annotated[
        str | None, typer.Option("--from-stage", help="Begin with this stage.")
    ] = None,
    only: Annotated[str | None, typer.Option("--only", help="Run this stage only.")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Leave out what the last run did, if it did not finish."),
    ] = False,
    queue: Annotated[
        int, duration_option("--queue", "How long to wait for another run to end.")
    ] = "0",  # type: ignore[assignment]
    time_out: Annotated[
        list[str] | None,
        typer.Option("--time-out", metavar="STAGE=TIME", help="Another time-out; repeat for more."),
    ] = None,
    warn_only: Annotated[
        bool, typer.Option("--warn-only", help="Let nothing that validate finds stop the run.")
    ] = False,
    report: Annotated[
        Path, typer.Option("--report", envvar="MICROCONV_REPORT", help="The report's file.")
    ] = Path("target/report.html"),
    bi: Annotated[
        Path, typer.Option("--bi", envvar="MICROCONV_BI", help="The folder of tables for BI tools.")
    ] = Path("target/bi"),
    log: Annotated[
        Path, typer.Option("--log", envvar="MICROCONV_LOG", help="The log of runs, JSON lines.")
    ] = Path("logs/daily.jsonl"),
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show all that the stages print.")
    ] = False,
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Print the stages and run nothing.")
    ] = False,
) -> None:
    """Run a day: wait for its export, check, build with tests, evidence, watch, report.

    One run at a time; running it again changes nothing. Exit codes: 0 all done, 1 a stage failed,
    2 errors of the call or the profile, 3 the export did not come, 4 another run is going.
    Example: microconv daily --wait 6h
    """
    from microconv.profile import find_project_dir

    _refuse_together({"--day": day, "--no-wait": no_wait, "--from": first})
    _refuse_together({"--wait": patience, "--no-wait": no_wait, "--from": first})
    # Nothing would say whether the last run was about the same export.
    _refuse_together({"--resume": resume, "--no-wait": no_wait})
    if last and not first:
        raise MicroconvError("--to needs --from.", "Name the first day of the backfill too.")
    clock, folder = Clock(), find_project_dir()
    awaited = None if no_wait or first else day or default_day(clock)
    chunks = days_to_read(folder, first, last or default_day(clock), days_at_once) if first else ()
    plan = Plan(awaited, patience, any_table, late_ok, warn_only, report, bi, chunks)
    limits = dict(_limit_of(one) for one in time_out or [])
    stages = chosen(stages_of(plan), Choice(from_stage, only, limits))
    if plan_only:
        _print_plan(stages)
        return
    say_at_once()
    session = Session(folder, folder / log, clock, queue, verbose)
    raise typer.Exit(session.run(stages, plan.scope, is_resumed=resume))


def _refuse_together(options: Mapping[str, Any]) -> None:
    named = [name for name, value in options.items() if value]
    if len(named) > 1:
        raise MicroconvError(f"{' and '.join(named)} do not go together.", "Name one of them.")


def _limit_of(text: str) -> tuple[str, int]:
    stage, is_there, time = text.partition("=")
    if not is_there:
        raise MicroconvError(f"'{text}' is no time-out.", "Write it as STAGE=TIME, as build=2h.")
    return stage.strip(), seconds_of(time)


def _print_plan(stages: Sequence[Stage]) -> None:
    rows = [
        [
            stage.name,
            "\n".join(" ".join(command) for command in stage.commands),
            ", ".join(one for one in stage.needs if one in {other.name for other in stages}),
            in_words(stage.limit),
            str(stage.tries),
        ]
        for stage in stages
    ]
    print_table("Stages", ["Stage", "Command", "Needs", "Time-out", "Tries"], rows, left_columns=3)
