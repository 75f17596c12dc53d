"""The `cost` command: estimated bytes and money per model, before a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.errors import MicroconvError
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from microconv.cost.estimate import Cost
    from microconv.cost.sources import Basis

OTHER_SITES = (1_000_000, 20_000_000, 200_000_000)  # events a day
_GROUPS = {
    **{"test": "data tests", "question": "questions of macros", "replace": "old rows replaced"},
    "validate": "the export validated",
}
_COLUMNS = ("run", "name", "statement_count", "billed_bytes", "growing_bytes", "cost")
RULES = (
    "An estimate by BigQuery's rules for on-demand queries, not a bill: logical bytes of the "
    "columns and record fields that a statement reads, each table once a statement and at least "
    "10 MiB, each day of the export being a table. Replacing old rows is taken to read all columns "
    "of the open days, or of a whole table without partitions by day. Clustering may read less. "
    "A daily run validates the export before it builds. What correlate, report and other commands "
    "read of marts, storage, the free first TiB of a month and reruns are not in it; we cannot "
    "tell what a BI tool asks."
)


@dataclass(frozen=True)
class Line:
    """What is billed under one name in a run; None where we cannot tell."""

    run: str
    name: str
    statement_count: int
    billed_bytes: float | None
    growing_bytes: float | None


def cost(
    price_per_tib: Annotated[
        float, typer.Option(help="Price of a TiB read (on demand; 6.25 USD in many regions).")
    ] = 6.25,
    events_per_day: Annotated[
        int | None,
        typer.Option(help="Raw events a day of the site.", show_default="those of the export"),
    ] = None,
    history_days: Annotated[
        int | None,
        typer.Option(help="Days that are loaded.", show_default="those of the export"),
    ] = None,
    export: Annotated[
        str | None,
        typer.Option(
            help="Glob of export files to measure.",
            show_default="GA4_EXPORT_FILES, else the demo export",
        ),
    ] = None,
    output_format: FormatOption = OutputFormat.TABLE,
) -> None:
    """Estimate what a full and a daily run on BigQuery would read and cost, before they run.

    Example: microconv cost --events-per-day 500000 --history-days 90
    """
    from microconv.cost.sources import read_basis

    if not math.isfinite(price_per_tib) or price_per_tib < 0:
        raise MicroconvError(
            f"The price is {price_per_tib}, which is no price.", "Give 0 or more, such as 6.25."
        )
    for name, given in (("events-per-day", events_per_day), ("history-days", history_days)):
        if given is not None and given < 1:
            raise MicroconvError(f"--{name} is {given:,}.", "Give a whole number from 1.")
    basis = read_basis(export, events_per_day, history_days)
    if output_format is OutputFormat.TABLE:
        _print(basis, price_per_tib)
    elif output_format is OutputFormat.CSV:
        output.print_csv(_COLUMNS, [_record(line, price_per_tib) for line in lines(_costs(basis))])
    else:
        output.print_json(_as_json(basis, price_per_tib))


def _costs(basis: Basis) -> list[Cost]:
    from microconv.cost.estimate import costs
    from microconv.cost.reads import load_statements

    return costs(load_statements(), basis.sizes, basis.scenario)


def lines(found: Sequence[Cost]) -> list[Line]:
    """A line per model, one for each other kind of statement, and the sum of each run last."""
    result = []
    for run in ("full", "daily"):
        groups: dict[str, list[Cost]] = {}
        of_run = [one for one in found if one.run == run]
        for one in of_run:
            groups.setdefault(_GROUPS.get(one.kind, one.name), []).append(one)
        result += [_line(run, name, group) for name, group in groups.items()]
        result.append(_line(run, "total", of_run))
    return result


def _line(run: str, name: str, group: Sequence[Cost]) -> Line:
    is_known = name == "total" or all(one.billed_bytes is not None for one in group)
    return Line(
        run,
        name,
        sum(one.statement_count for one in group),
        sum(one.billed_bytes or 0 for one in group) if is_known else None,
        sum(one.growing_bytes or 0 for one in group) if is_known else None,
    )


def _record(line: Line, price: float) -> dict[str, Any]:
    from microconv.cost.estimate import money

    known = None if line.billed_bytes is None else money(line.billed_bytes, price)
    return {**{name: getattr(line, name) for name in _COLUMNS[:-1]}, "cost": known}


def _as_json(basis: Basis, price: float) -> dict[str, Any]:
    from microconv.cost.estimate import DAYS_OF_A_MONTH, money, total

    found = _costs(basis)
    daily, growing, is_complete = total(found, "daily")
    return {
        "is_estimate": True,
        "is_complete": is_complete,
        "price_per_tib": price,
        "events_per_day": basis.scenario.events_per_day,
        "history_days": basis.scenario.history_days,
        "open_days": basis.scenario.open_days,
        "full_run_cost": money(total(found, "full")[0], price),
        "daily_cost": money(daily, price),
        "monthly_cost": DAYS_OF_A_MONTH * money(daily, price),
        "daily_growing_bytes": growing,
        "lines": [_record(line, price) for line in lines(found)],
        "other_sites": [_other_site(basis, events, price) for events in OTHER_SITES],
        "basis": [*basis.sentences, RULES],
    }


def _other_site(basis: Basis, events: int, price: float) -> dict[str, float]:
    from microconv.cost.estimate import DAYS_OF_A_MONTH, money, total

    site = replace(basis, scenario=replace(basis.scenario, events_per_day=float(events)))
    found = _costs(site)
    daily, growing, _ = total(found, "daily")
    full = total(found, "full")[0]
    return {
        "events_per_day": events,
        "full_run_bytes": full,
        "full_run_cost": money(full, price),
        "daily_bytes": daily,
        "daily_growing_bytes": growing,
        "daily_cost": money(daily, price),
        "monthly_cost": DAYS_OF_A_MONTH * money(daily, price),
    }


def _print(basis: Basis, price: float) -> None:
    from microconv.cost.estimate import DAYS_OF_A_MONTH, money

    found = lines(_costs(basis))
    full = {line.name: line for line in found if line.run == "full"}
    daily = {line.name: line for line in found if line.run == "daily"}
    rows = [
        [
            name,
            in_bytes(full[name].billed_bytes if name in full else 0),
            in_bytes(one.billed_bytes),
            in_bytes(one.growing_bytes),
            _count(one.statement_count),
        ]
        for name, one in daily.items()
    ]
    headings = ["Model", "Full run", "Daily run", "grows by the day", "Statements"]
    output.print_table("Estimated bytes billed", headings, rows)
    total = daily["total"].billed_bytes or 0
    at_least = any(line.billed_bytes is None for line in found)
    more = "at least " if at_least else ""
    output.say_sentence(
        f"Estimated cost at {price:g} per TiB: {more}{_money(money(total, price))} a daily run, "
        f"{more}{_money(DAYS_OF_A_MONTH * money(total, price))} a month of "
        f"{DAYS_OF_A_MONTH} daily runs, {more}"
        f"{_money(money(full['total'].billed_bytes or 0, price))} a full run."
    )
    output.say()
    _print_other_sites(basis, price)
    for sentence in (*basis.sentences, RULES):
        output.say_sentence(sentence)


def _print_other_sites(basis: Basis, price: float) -> None:
    sites = [_other_site(basis, events, price) for events in OTHER_SITES]
    rows = [
        [
            output.count(site["events_per_day"]),
            in_bytes(site["full_run_bytes"]),
            _money(site["full_run_cost"]),
            in_bytes(site["daily_bytes"]),
            in_bytes(site["daily_growing_bytes"]),
            _money(site["daily_cost"]),
            _money(site["monthly_cost"]),
        ]
        for site in sites
    ]
    title = f"The same site with more traffic, {basis.scenario.history_days:,} days of history"
    headings = ["Events a day", "Full run", "Cost", "Daily run", "grows by the day", "Cost"]
    output.print_table(title, [*headings, "A month"], rows, left_columns=0)


def _count(value: float) -> str:
    return output.count(value)


def in_bytes(value: float | None) -> str:
    """Bytes in the unit that BigQuery's prices and quotas use."""
    if value is None:
        return "we cannot tell"
    for unit, size in (("TiB", 2**40), ("GiB", 2**30)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value / 2**20:,.0f} MiB" if value else "–"


def _money(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.4f}"
