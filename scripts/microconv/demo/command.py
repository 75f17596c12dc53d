"""The `microconv demo` command."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from microconv.demo import settings
from microconv.demo.folder import MARKER
from microconv.demo.generate import DemoSummary, generate_demo
from microconv.demo.settings import DemoError

DEFAULT_OUT = Path("target/demo_export")


def demo(
    out: Annotated[Path, typer.Option(help="Directory for the files.")] = DEFAULT_OUT,
    days: Annotated[int, typer.Option(help="How many days.")] = settings.DEFAULT_DAYS,
    visitors_per_day: Annotated[
        int, typer.Option(help="New visitors a day; each makes about 19 events.")
    ] = settings.DEFAULT_VISITORS_PER_DAY,
    seed: Annotated[int, typer.Option(help="The same seed writes the same files.")] = (
        settings.DEFAULT_SEED
    ),
    until: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Last day of the export.",
            show_default=settings.DEFAULT_UNTIL.isoformat(),
        ),
    ] = datetime.combine(settings.DEFAULT_UNTIL, datetime.min.time()),
) -> None:
    """Write a synthetic shop's GA4 export, with planted effects that are known exactly.

    Example: microconv demo --days 90 --visitors-per-day 6000
    """
    errors = Console(stderr=True)
    try:
        with Progress(
            TextColumn("Generating the demo shop"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} days"),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
        ) as bar:
            task = bar.add_task("days", total=settings.WARM_UP_DAYS + days)
            summary = generate_demo(
                out,
                days=days,
                visitors_per_day=visitors_per_day,
                seed=seed,
                until=until.date(),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except DemoError as error:
        errors.print(f"Error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(error.exit_code) from error
    _print_summary(summary)


def _print_summary(summary: DemoSummary) -> None:
    """What was written, where, and what is planted in it."""
    console = Console(highlight=False, soft_wrap=True)
    counts, planted = summary.truth["counts"], summary.truth["planted_days"]
    console.print(
        f"{summary.row_count:,} events of {counts['distinct_user_pseudo_ids']:,} visitors "
        f"in {len(summary.files)} files: {summary.out_dir}/events_*.parquet",
        markup=False,
    )
    console.print(f"Planted, and written down in {summary.out_dir / MARKER}:", markup=False)
    for effect in summary.truth["effects"]:
        ratio = effect["odds_ratio"]
        strength = "" if ratio is None else f", odds ratio {ratio:g}"
        console.print(f"  {effect['name']}: {effect['mechanism']}{strength}", markup=False)
    if planted["mobile_drop_from"] is not None:
        console.print(
            f"Days to look at: mix shift {planted['mix_shift_from']} to {planted['mix_shift_to']}, "
            f"outage {planted['outage_on']}, mobile drop from {planted['mobile_drop_from']}.",
            markup=False,
        )
