"""Planted alerts, leads and experiments found again, many times over: part of `make truth`.

Each world is drawn as the tables that a build leaves, and read, judged and told by the commands
(`watch`, `experiments`) or by what `lead-lag` reads and judges with. Seeds are 1, 2, 3, … and never
chosen. The result is a table against the exact binomial limits for so many worlds, in
docs/planted_truth_watching.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "tests" / "python"), str(PROJECT / "tests")]

import duckdb  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pytest  # noqa: E402
import test_experiments_command as experiments  # noqa: E402
import test_lead_lag as leads  # noqa: E402
import watch_case as case  # noqa: E402
from evidence_warehouse import run, work_in  # noqa: E402
from microconv.watching import Direction, LagVerdict, Rule  # noqa: E402
from microconv.watching.alerts import LAG_DAYS  # noqa: E402
from microconv.watching.scores import HISTORY_DAYS  # noqa: E402
from scipy.stats import binom  # noqa: E402
from test_watching_alerts import MOST_NEWS, MOST_NEWS_OF_A_RULE, simulated  # noqa: E402

TABLE = PROJECT / "docs" / "planted_truth_watching.md"
_TAIL = 0.005
_JUDGED_DAYS = 90
MOST_DIAGNOSES = 100
# How often a drop of 30 % is found within a week, by rule and trials a day: the design's table.
_POWER = {200: (0.02, 0.27, 0.64), 1000: (0.59, 0.96, 0.99), 5000: (0.98, 1.0, 1.0)}
_LEAD_POWER = {60: 0.39, 90: 0.76, 120: 0.93, 180: 1.0, 365: 1.0}
_SURE = 0.97  # what "always" means where a limit must have room for chance


@dataclass(frozen=True)
class Row:
    """One line of the result.

    Args:
        planted: What.
        asked: What must come of it, in words.
        worlds: How many there were.
        found: Share of them, or news per rate.
        limit: What that is held against.
        passes: Whether it holds.
    """

    planted: str
    asked: str
    worlds: int
    found: float
    limit: float
    passes: bool

    def __str__(self) -> str:
        verdict = "yes" if self.passes else "**no**"
        return (
            f"| {self.planted} | {self.asked} | {self.worlds:,} | {self.found:.3f} | "
            f"{self.limit:.3f} | {verdict} |"
        )


def at_least(planted: str, asked: str, hits: list[bool], share: float) -> Row:
    """Held against the share that a method which reaches `share` passes 99.5 times of 100."""
    limit = float(binom.ppf(_TAIL, len(hits), share)) / len(hits)
    found = float(np.mean(hits))
    return Row(planted, asked, len(hits), found, limit, found >= limit)


def at_most(planted: str, asked: str, hits: list[bool], share: float) -> Row:
    """The same from above."""
    limit = float(binom.ppf(1 - _TAIL, len(hits), share)) / len(hits)
    found = float(np.mean(hits))
    return Row(planted, asked, len(hits), found, limit, found <= limit)


# ---- alerts --------------------------------------------------------------------------------------


def alerts(worlds: int, folder: Path) -> Iterator[Row]:
    """News of rates that did not change, and drops that are found within a week."""
    for trials, spread, memory, history in (
        (200, 0.05, 0.0, HISTORY_DAYS),
        (1000, 0.05, 0.0, HISTORY_DAYS),
        (5000, 0.05, 0.0, HISTORY_DAYS),
        (5000, 0.08, 0.5, 2 * HISTORY_DAYS),
    ):
        random = np.random.default_rng(trials + round(100 * memory))
        days = history + _JUDGED_DAYS
        rates = [simulated(random, days, trials, 0.08, spread, memory) for _ in range(worlds)]
        fired = _fired(folder / f"quiet_{trials}_{memory}", rates, trials, _JUDGED_DAYS)
        name = f"nothing, {trials:,} a day" + (", days in runs" if memory else "")
        for direction in Direction:
            begins = [
                sum(_begins(days_of) for days_of in fired.get((rule, direction), {}).values())
                / worlds
                for rule in Rule
            ]
            for asked, found, limit in (
                (f"news of the loudest rule, {direction}", max(begins), MOST_NEWS_OF_A_RULE),
                (f"news of all rules, {direction}", sum(begins), MOST_NEWS),
            ):
                yield Row(name, f"{asked}, in 90 days", worlds, found, limit, found <= limit)
    for trials, shares in _POWER.items():
        random, days = np.random.default_rng(trials + 1), HISTORY_DAYS + 7
        rates = []
        for _ in range(worlds):
            usual = simulated(random, HISTORY_DAYS, trials, 0.08, 0.05, 0.0)
            fallen = simulated(random, 7, trials, 0.08 * 0.7, 0.05, 0.0)
            rates.append(np.concatenate([usual, fallen]))
        fired = _fired(folder / f"drop_{trials}", rates, trials, 7)
        for rule, share in zip(Rule, shares, strict=True):
            seen = fired.get((rule, Direction.DROP), {})
            hits = [f"rate_{place}" in seen for place in range(worlds)]
            asked = f"{rule} within seven of {days} days"
            yield at_least(f"-30 %, {trials:,} a day", asked, hits, max(share - 0.05, 0.0))


def _fired(
    folder: Path, rates: list[Any], trials: int, since: int
) -> dict[tuple[Rule, Direction], dict[str, list[int]]]:
    """By rule and direction the rates that fire, with their days, as `watch` writes them."""
    days = len(rates[0])
    loaded = [
        case.LAST - timedelta(days=days + LAG_DAYS - 1 - day) for day in range(days + LAG_DAYS)
    ]
    names = [f"rate_{place}" for place in range(len(rates))]
    size = days * len(rates)
    tables = {
        **case.lists(),
        "mart_tracked_rates": pa.table(
            {
                "rate_date": pa.array(loaded[:days] * len(rates), pa.date32()),
                "metric_kind": ["micro"] * size,
                "metric_name": np.repeat(names, days),
                "step_number": [0] * size,
                "metric_label": np.repeat(names, days),
                "segment_dimension": ["all"] * size,
                "segment_value": ["all"] * size,
                "success_count": np.concatenate(rates).astype(np.int64),
                "trial_count": [trials] * size,
                "is_mature": [True] * size,
                "is_ramp_up": [False] * size,
            }
        ),
        "mart_tracked_means": case.no_means(),
        "mart_tracked_counts": case.steady_counts(loaded),
    }
    folder.mkdir()
    case.write_project(folder, tables)
    with _inside(folder):
        done = run("watch", "--since", f"{since}d", "--format", "json")
        assert done.exit_code == 0, done.output
    found: dict[tuple[Rule, Direction], dict[str, list[int]]] = {}
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        for name, rule, direction, day in connection.execute(
            "select metric_name, rule, direction, alert_date from marts.mart_alerts"
            " where metric_kind <> 'tracking' order by alert_date"
        ).fetchall():
            place = found.setdefault((Rule(rule), Direction(direction)), {})
            place.setdefault(name, []).append(day.toordinal())
    return found


def _begins(days: list[int]) -> int:
    return sum(place == 0 or day - days[place - 1] > 1 for place, day in enumerate(days))


# ---- diagnosis -----------------------------------------------------------------------------------

Found = Mapping[str, Any]


def _main(found: Found, metric: str) -> set[tuple[str, str, str]]:
    return {
        (part["part_kind"], part["part_dimension"], part["part_value"])
        for alert in found["alerts"]
        if alert["metric_name"] == metric and alert["is_ongoing"]
        for part in alert["parts"]
        if part["is_main"]
    }


PLANTS: dict[str, tuple[str, Callable[[Found], bool]]] = {
    case.MOBILE_DROP: (
        "step and device of the drop are named",
        lambda found: (
            {("segment_rate", "device_category", "mobile"), ("step", "", "Added to cart")}
            <= _main(found, "add_to_cart")
        ),
    ),
    case.MIX_SHIFT: (
        "named as mix, of the channel that grew",
        lambda found: ("mix", "channel_group", "Paid Social") in _main(found, "add_to_cart"),
    ),
    case.SMALL_ORDERS: (
        "size of orders and device are named",
        lambda found: (
            {("segment_rate", "device_category", "mobile"), ("step", "", "Revenue per sale")}
            <= _main(found, "revenue_per_visit")
        ),
    ),
    case.OUTAGE: (
        "tracking, and no alert of the event",
        lambda found: (
            [one["name"] for one in found["tracking"]] == ["begin_checkout"]
            and not _main(found, "begin_checkout")
        ),
    ),
    case.LOST_REVENUE: (
        "tracking, and no alert of revenue",
        lambda found: (
            [one["kind"] for one in found["tracking"]] == ["revenue missing"]
            and not _main(found, "revenue_per_visit")
        ),
    ),
    case.RISE: (
        "the rise is told with a next step that did not follow",
        lambda found: ("guard", "", "“Began checkout” per visit") in _main(found, "add_to_cart"),
    ),
}


def diagnoses(worlds: int, folder: Path) -> Iterator[Row]:
    """What is planted is named for what it is."""
    import json

    for plant, (asked, is_named) in PLANTS.items():
        hits = []
        for seed in range(1, min(worlds, MOST_DIAGNOSES) + 1):
            with tempfile.TemporaryDirectory(dir=folder) as place:
                project = case.make_watched_project(Path(place) / "shop", [plant], seed)
                with _inside(project):
                    done = run("watch", "--format", "json", "--no-write")
                assert done.exit_code == 0, done.output
                hits.append(is_named(json.loads(done.stdout)))
        yield at_least(plant.replace("_", " "), asked, hits, _SURE)


# ---- leads and experiments -----------------------------------------------------------------------


def lead_lags(worlds: int, folder: Path) -> Iterator[Row]:
    """The design's table of false leads and true ones, of what the command reads and judges."""
    for days, power in _LEAD_POWER.items():
        for kind in (*leads.SILENT, "coincident"):
            found = [one.verdict == LagVerdict.LEADS for one in leads.judged(kind, days, worlds)]
            yield at_most(f"{kind}, {days} days", "no lead is seen", found, 0.05)
        hits = [bool(leads.within_a_day([one], 3)) for one in leads.judged("lead", days, worlds)]
        yield at_least(
            f"lead of 3, {days} days", "seen within a day", hits, min(power, _SURE) - 0.05
        )


def past_tests(worlds: int, folder: Path) -> Iterator[Row]:
    """40 or 100 experiments a world, through `microconv experiments`."""
    for name, count, spread, correlation, per_arm in (
        ("40 experiments without effect", 40, 0.0, 0.0, 20_000),
        ("40 with unrelated effects", 40, 0.15, 0.0, 20_000),
        ("40 with opposite effects", 40, 0.15, -0.5, 20_000),
        ("100 whose effects agree", 100, 0.15, 0.98, 100_000),
    ):
        with pytest.MonkeyPatch.context() as patch:
            place = folder / f"{count}_{spread}_{correlation}"
            told = experiments.worlds(place, patch, worlds, count, spread, correlation, per_arm)
        hits = [one["validity"] == "validated" for one in told]
        if correlation > 0:
            yield at_least(name, "validated", hits, 0.95)
        else:
            yield at_most(name, "not validated", hits, 0.05)


@contextmanager
def _inside(project: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        work_in(project, patch)
        yield


PARTS = {
    "alerts": alerts,
    "diagnoses": diagnoses,
    "leads": lead_lags,
    "experiments": past_tests,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--worlds", type=int, default=200)
    arguments.add_argument("--part", choices=list(PARTS), action="append")
    arguments.add_argument("--no-table", action="store_true", help="Leave the docs page alone")
    given = arguments.parse_args()
    rows: list[Row] = []
    for name in given.part or PARTS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            for row in PARTS[name](given.worlds, Path(folder)):
                print(row, flush=True)
                rows.append(row)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if not (given.no_table or given.part):
        TABLE.write_text("\n".join(page(rows, given.worlds)) + "\n", encoding="utf-8")
    sys.exit(not all(row.passes for row in rows))


def page(rows: list[Row], worlds: int) -> list[str]:
    """The result as Markdown."""
    return [
        "# Alerts, leads and experiments, planted and found again",
        "",
        f"`python scripts/truth_watching.py`: {worlds} worlds of each kind, drawn as the tables",
        "that a build leaves, and read, judged and told by the commands. A share is held against",
        "the exact binomial limit that a method passes 99.5 times of 100; of drops and leads that",
        "are to be found, one which is up to five points under the design's figure. News are the",
        "days on which a rule begins to fire, per rate.",
        "",
        "| planted | must be | worlds | found | limit | passes |",
        "|---|---|---|---|---|---|",
        *map(str, rows),
    ]


if __name__ == "__main__":
    main()
