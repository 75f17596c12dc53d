"""Generates the demo export: cohort by cohort into a spill, day by day out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from microconv.demo import settings
from microconv.demo.browsing import Rates
from microconv.demo.cohorts import simulate
from microconv.demo.experiments import (
    experiments_truth,
    planted_experiments,
    site_with,
)
from microconv.demo.folder import MARKER, demo_folder
from microconv.demo.journeys import simulate_journeys
from microconv.demo.local_time import day_number, day_of, local_midnights
from microconv.demo.packing import Window
from microconv.demo.plan import cohort_chunks, rates_of
from microconv.demo.settings import (
    Calendar,
    DemoError,
    DemoOptions,
    Plant,
    asked_calendar,
    calendar_of,
    quiet_calendar,
)
from microconv.demo.spill import Spill
from microconv.demo.swings import Scenario, leading_swings, swing_truth
from microconv.demo.tables import Background, DayWriter
from microconv.demo.truth import journey_truth, planted_truth
from microconv.demo.vertical import SimulatedVertical
from microconv.demo.verticals import VERTICALS

Progress = Callable[[int, int], None]
SHOP = "ecommerce"


@dataclass(frozen=True)
class DemoSummary:
    """What was written: `row_count` rows in `files` (paths), and the truth as in the JSON file."""

    out_dir: Path
    files: tuple[Path, ...]
    row_count: int
    truth: dict[str, Any]


def generate_demo(
    out_dir: Path,
    *,
    days: int,
    visitors_per_day: int,
    seed: int,
    until: date,
    progress: Progress | None = None,
    intent_sd: float | None = None,
    delivered_through: date | None = None,
    last_day_intraday: bool = True,
    vertical: str = SHOP,
    scenario: Scenario = Scenario.USUAL,
    plants: Collection[Plant] = (),
    experiments: int = 0,
) -> DemoSummary:
    """Write a synthetic GA4 export to `out_dir`, one Parquet file per table and local day.

    `vertical` is the shop (ecommerce) or one of `VERTICALS`; `days` end with `until`;
    `visitors_per_day` counts new visitors. `progress` is called with (days done, days in all)
    including the warm-up. `delivered_through` gives the export as it stood on that date: later days
    are absent and the three newest lack the events that arrive late. `intent_sd` is the spread of
    the hidden intent (log odds; None for the vertical's own). The `scenario` LEADING, of the shop
    only, plants daily rates that move before, with and without that of the purchase, and none of
    the other planted days. `plants` puts these into the last days of a shop, and nothing else;
    without any it has the usual ones. `experiments` plants so many randomised experiments in the
    shop. The same arguments give the same bytes.

    Raises DemoError (its `exit_code` is 2) for wrong arguments or a directory that is not an
    earlier demo's, DemoWriteError (1) when the directory cannot be written.
    """
    if intent_sd is None:
        intent_sd = settings.DEFAULT_INTENT_SD if vertical == SHOP else settings.VERTICAL_INTENT_SD
    options = DemoOptions(
        days, visitors_per_day, seed, until, intent_sd, delivered_through, last_day_intraday
    )
    simulated = VERTICALS.get(vertical)
    if simulated is None and vertical != SHOP:
        raise DemoError(f"There is no demo of {vertical}; choose {SHOP}, {', '.join(VERTICALS)}.")
    is_leading = scenario is Scenario.LEADING
    if is_leading and simulated is not None:
        raise DemoError(f"The scenario {scenario} is one of the shop ({SHOP}).")
    if plants and simulated is not None:
        raise DemoError("Only the shop's demo can be asked to plant something.")
    if plants and is_leading:
        raise DemoError(f"The scenario {scenario} has quiet days: it takes no other plant.")
    if is_leading or simulated is not None:
        calendar = quiet_calendar(options)
    else:
        calendar = asked_calendar(options, plants) if plants else calendar_of(options)
    if experiments and simulated is not None:
        raise DemoError("--experiments are planted in the shop only.")
    planted = planted_experiments(options, experiments)
    rates = rates_of(options, calendar, planted, leading_swings(options) if is_leading else None)
    site = site_with(planted) if simulated is None else simulated.site
    with demo_folder(out_dir) as work:
        with Background() as background:
            writer = DayWriter(options, calendar, work, background, site)
            _generate(options, calendar, rates, work, writer, progress, simulated)
            background.finish()
        if simulated is None:
            truth = planted_truth(options, calendar, writer.tally)
            if is_leading:
                truth["daily_rates"] = swing_truth()
            if planted:
                truth["experiments"] = experiments_truth(planted)
        else:
            truth = journey_truth(vertical, simulated, options, calendar, writer.tally)
        (work / MARKER).write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")
    tables = writer.tally.tables
    return DemoSummary(
        out_dir=out_dir,
        files=tuple(out_dir / table.file for table in tables),
        row_count=sum(table.rows for table in tables),
        truth=truth,
    )


def _generate(
    options: DemoOptions,
    calendar: Calendar,
    rates: Rates,
    work: Path,
    writer: DayWriter,
    progress: Progress | None,
    vertical: SimulatedVertical | None,
) -> None:
    """Simulate each cohort and write its day, which no later cohort can add to."""
    first_day, last_day = day_number(options.first_day), day_number(options.until)
    spill = Spill(work, first_day, last_day)
    outage = calendar.outage_days
    outage_days = None if outage is None else (day_number(outage[0]), day_number(outage[1]))
    midnights = local_midnights([options.first_day, options.until + timedelta(days=1)])
    window = Window(*midnights)
    total = settings.WARM_UP_DAYS + options.days
    for done, (day, chunks) in enumerate(cohort_chunks(options, calendar), start=1):
        for chunk in chunks:
            if vertical is None:
                events = simulate(
                    chunk, window, intent_sd=options.intent_sd, rates=rates, outage_days=outage_days
                )
            else:
                events = simulate_journeys(chunk, window, vertical, intent_sd=options.intent_sd)
            spill.add(events)
        if day >= first_day:
            writer.write(day_of(day), spill)
            spill.discard(day)
        if progress is not None:
            progress(done, total)
