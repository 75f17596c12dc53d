"""Writes docs/cost_at_scale.md: what runs on BigQuery read at up to 200 million events a day.

From the statements that Google's analyzer resolved (`reads.csv`) and the sizes of the demo shop's
tables (`demo_sizes.csv`), so that it needs no export: `python scripts/cost_at_scale.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from microconv.cost.command import OTHER_SITES, in_bytes
from microconv.cost.estimate import DAYS_OF_A_MONTH, Cost, Scenario, costs, money, total
from microconv.cost.reads import load_statements
from microconv.cost.sizes import demo_sizes
from microconv.cost.sources import LATE_ARRIVAL_DAYS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cost_at_scale.md"
HISTORIES = (30, 90, 360)
OPEN_DAYS = LATE_ARRIVAL_DAYS + 1
PRICE = 6.25


def page() -> str:
    """The page as Markdown."""
    return "\n".join([*_head(), *_sites(), "", *_growing(), "", *_tail()]) + "\n"


def _costs(events: int, days: int) -> list[Cost]:
    return costs(load_statements(), demo_sizes(), Scenario(float(events), days, OPEN_DAYS))


def _head() -> list[str]:
    return [
        "# Cost at scale on BigQuery",
        "",
        "What a full and a daily run read at three sizes of a site, estimated as `microconv cost`"
        " does: columns that each statement reads (Google's",
        "analyzer says which), times their bytes per row in the demo shop, at"
        f" {PRICE:g} USD per TiB. No query was sent, and a site with longer",
        f"parameters reads more. A daily run opens {OPEN_DAYS} days. Statements do not depend on"
        " traffic or history.",
        "",
        "| events a day | days of history | full run | its cost | daily run | read of all history"
        " | a day's cost | a month's |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]


def _sites() -> Iterator[str]:
    for events in OTHER_SITES:
        for days in HISTORIES:
            found = _costs(events, days)
            full = total(found, "full")[0]
            daily, growing, _ = total(found, "daily")
            spent = money(daily, PRICE)
            cells = [
                f"{events:,}",
                str(days),
                in_bytes(full),
                f"{money(full, PRICE):,.2f}",
                in_bytes(daily),
                f"{growing / daily:.0%}",
                f"{spent:,.2f}",
                f"{DAYS_OF_A_MONTH * spent:,.0f}",
            ]
            yield f"| {' | '.join(cells)} |"


def _growing() -> Iterator[str]:
    found = [one for one in _costs(20_000_000, 90) if one.run == "daily" and one.growing_bytes]
    found.sort(key=lambda one: (-(one.growing_bytes or 0), one.name))
    share = sum(one.growing_bytes or 0 for one in found)
    yield (
        "What grows with history are the marts and the tests of their keys, which look at all days:"
        " staging and facts read the open days and"
    )
    yield "the visitors seen in them. At 20 million events a day and 90 days these read most:"
    yield ""
    yield "| model | read of all history | of what grows |"
    yield "|---|--:|--:|"
    for one in found[:12]:
        read = one.growing_bytes or 0
        yield f"| `{one.name}` | {in_bytes(read)} | {read / share:.1%} |"


def _tail() -> list[str]:
    return [
        "No step that pulls rows to Python grows with traffic: commands read aggregates, whose rows"
        " are numbers of segments, bins and days. Whoever",
        "loads years of history may bound it by `export_start_date`; what lies before is then not"
        " counted.",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(page())
