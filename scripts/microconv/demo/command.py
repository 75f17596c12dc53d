"""The `microconv demo` command."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from microconv.demo import settings
from microconv.demo.folder import MARKER
from microconv.demo.generate import DemoSummary, generate_demo
from microconv.demo.settings import DemoError, Plant
from microconv.demo.swings import Scenario
from microconv.starters.lists import Vertical

DEFAULT_OUT = Path("target/demo_export")


def demo(
    out: Annotated[Path, typer.Option(help="Directory for the files.")] = DEFAULT_OUT,
    vertical: Annotated[
        Vertical, typer.Option("--vertical", help="The kind of business.")
    ] = Vertical.ECOMMERCE,
    days: Annotated[
        int | None,
        typer.Option(
            help="How many days.",
            show_default=f"{settings.DEFAULT_DAYS}, or {settings.VERTICAL_DAYS} of another "
            "vertical than the shop",
        ),
    ] = None,
    visitors_per_day: Annotated[
        int | None,
        typer.Option(
            help="New visitors a day; each makes 13 to 19 events.",
            show_default=f"{settings.DEFAULT_VISITORS_PER_DAY}, or "
            f"{settings.VERTICAL_VISITORS_PER_DAY}",
        ),
    ] = None,
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
    scenario: Annotated[
        Scenario,
        typer.Option(help="`leading`: daily rates that move before the purchase, of the shop."),
    ] = Scenario.USUAL,
    plant: Annotated[
        list[Plant] | None,
        typer.Option(
            help="Put this into the last ten days of a shop, not the usual; repeat for more.",
            show_default="mix shift, outage and mobile drop, each in its time",
        ),
    ] = None,
    experiments: Annotated[
        int,
        typer.Option(
            help="Plant so many randomised experiments in the shop: with an effect, with none, "
            "with lost exposures."
        ),
    ] = 0,
) -> None:
    """Write a synthetic GA4 export, of a shop or another business, with effects that are planted.

    Example: microconv demo --days 90 --visitors-per-day 6000
    """
    errors = Console(stderr=True)
    is_shop = vertical is Vertical.ECOMMERCE
    if days is None:
        days = settings.DEFAULT_DAYS if is_shop else settings.VERTICAL_DAYS
    if visitors_per_day is None:
        visitors_per_day = (
            settings.DEFAULT_VISITORS_PER_DAY if is_shop else settings.VERTICAL_VISITORS_PER_DAY
        )
    try:
        with Progress(
            TextColumn(f"Generating the demo {'shop' if is_shop else vertical}"),
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
                vertical=vertical,
                scenario=scenario,
                plants=plant or (),
                experiments=experiments,
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
    _print_funnels(console, summary)
    console.print(f"Planted, and written down in {summary.out_dir / MARKER}:", markup=False)
    for effect in summary.truth["effects"]:
        ratio, kind = effect.get("odds_ratio"), "odds ratio"
        if "rate_ratio" in effect:
            ratio, kind = effect["rate_ratio"], "rate ratio"
        strength = "" if ratio is None else f", {kind} {ratio:g}"
        console.print(f"  {effect['name']}: {effect['mechanism']}{strength}", markup=False)
    for name, rule in summary.truth.get("daily_rates", {}).items():
        console.print(f"  {name}: {rule}", markup=False)
    for one in summary.truth.get("experiments", ()):
        console.print(f"  {one['experiment_name']}: {one['mechanism']}", markup=False)
    _print_days(console, planted)


def _print_days(console: Console, planted: Mapping[str, str | None]) -> None:
    """The days on which something was planted."""
    said = []
    if planted["mix_shift_from"]:
        said.append(f"mix shift {planted['mix_shift_from']} to {planted['mix_shift_to']}")
    if planted["outage_on"]:
        until = planted.get("outage_to")
        said.append(f"outage {planted['outage_on']}" + (f" to {until}" if until else ""))
    if planted["mobile_drop_from"]:
        said.append(f"mobile drop from {planted['mobile_drop_from']}")
    if planted.get("revenue_lost_from"):
        said.append(f"revenue lost from {planted['revenue_lost_from']}")
    if said:
        console.print(f"Days to look at: {', '.join(said)}.", markup=False)


def _print_funnels(console: Console, summary: DemoSummary) -> None:
    """The rates that the funnels of a vertical were given."""
    for funnel, steps in summary.truth.get("funnels", {}).items():
        rates = [f"{step['conversion_name']} {step['step_rate']:.1%}" for step in steps[1:]]
        way = " → ".join([steps[0]["conversion_name"], *rates])
        console.print(f"Funnel {funnel}: {way}", markup=False)
