"""The `wait` command: until a day's export is there, but not for ever."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from microconv.clock import Clock, date_option, duration_option, in_words, yesterday
from microconv.errors import LATE, MicroconvError
from microconv.output import say, warn

# As in dbt_project.yml, where it says nothing.
DEFAULT_TIME_ZONE = "America/New_York"

DayOption = Annotated[
    date | None, date_option("--day", "Whose export.", "yesterday, in property_time_zone")
]
PatienceOption = Annotated[int, duration_option("--for", "How long; 0 looks once.")]
AnyTableOption = Annotated[
    bool,
    typer.Option("--any-table", help="Take an intraday or fresh table of the day too."),
]


def wait(
    day: DayOption = None,
    patience: PatienceOption = "0",  # type: ignore[assignment]
    every: Annotated[int, duration_option("--every", "Time between two looks.")] = "10m",  # type: ignore[assignment]
    any_table: AnyTableOption = False,
) -> None:
    """Wait until a day's export is there and whole: files, or tables of BigQuery.

    Exit codes: 0 it is there, 2 errors, 3 it did not come. Example: microconv wait --for 6h
    """
    from microconv.arrival.places import find_place
    from microconv.arrival.wait import Awaited, wait_for
    from microconv.profile import find_project_dir

    folder, clock = find_project_dir(), Clock()
    place = find_place(folder)
    awaited = Awaited(day or default_day(clock), any_table)
    found = wait_for(place, awaited, patience, max(every, 1), clock, warn)
    if not found.is_here:
        newest = f"The newest day there is {found.newest}." if found.newest else f"Looked: {place}."
        waited = f" It did not come within {in_words(patience)}." if patience else ""
        raise MicroconvError(f"{' '.join(found.missing)}{waited}", newest, LATE)
    say(f"The export of {awaited.day} is there ({place}).")


def default_day(clock: Clock) -> date:
    """The last day that is over where the property is.

    Raises:
        MicroconvError: property_time_zone is none.
    """
    from microconv.check.project import project_variables
    from microconv.profile import find_project_dir

    variables = project_variables(find_project_dir())
    return yesterday(str(variables.get("property_time_zone") or DEFAULT_TIME_ZONE), clock)
