"""Worlds in which alerts and their causes are planted, and what `watch` must say of them.

Each is drawn as the tables that a build leaves. Seeds are 1, 2, 3, … or fixed ones, never chosen.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import watch_case as case
from evidence_warehouse import run, work_in
from microconv.watching import Direction, Rule
from microconv.watching.alerts import LAG_DAYS
from microconv.watching.scores import HISTORY_DAYS
from planted_rows import SURE, Piece, Row, at_least
from test_watching_alerts import MOST_NEWS, MOST_NEWS_OF_A_RULE, simulated

_JUDGED_DAYS = 90
# How often a drop is found within a week by rule, by drop and trials a day, in simulation.
_POWER = {
    (0.3, 200): (0.02, 0.27, 0.64),
    (0.3, 1000): (0.59, 0.96, 0.99),
    (0.3, 5000): (0.98, 1.0, 1.0),
    (0.2, 200): (0.0, 0.0, 0.28),
}
_MOSTLY = 0.8  # of a change is given to what it was planted as


# ---- alerts --------------------------------------------------------------------------------------


def quiet(worlds: int, folder: Path, trials: int, spread: float, memory: float) -> Iterator[Row]:
    """News of rates that did not change."""
    history = 2 * HISTORY_DAYS if memory else HISTORY_DAYS
    random = np.random.default_rng(trials + round(100 * memory))
    days = history + _JUDGED_DAYS
    rates = [simulated(random, days, trials, 0.08, spread, memory) for _ in range(worlds)]
    fired = _fired(folder / "quiet", rates, trials, _JUDGED_DAYS)
    name = f"nothing, {trials:,} a day" + (", days in runs" if memory else "")
    for direction in Direction:
        begins = [
            sum(_begins(days_of) for days_of in fired.get((rule, direction), {}).values()) / worlds
            for rule in Rule
        ]
        for asked, found, limit in (
            (f"news of the loudest rule, {direction}", max(begins), MOST_NEWS_OF_A_RULE),
            (f"news of all rules, {direction}", sum(begins), MOST_NEWS),
        ):
            yield Row(name, f"{asked}, in 90 days", worlds, found, limit, is_most=True)


def drops(worlds: int, folder: Path, drop: float, trials: int) -> Iterator[Row]:
    """Drops that are found within a week."""
    random = np.random.default_rng(trials + round(10 * drop) - 2)
    rates = []
    for _ in range(worlds):
        usual = simulated(random, HISTORY_DAYS, trials, 0.08, 0.05, 0.0)
        fallen = simulated(random, 7, trials, 0.08 * (1 - drop), 0.05, 0.0)
        rates.append(np.concatenate([usual, fallen]))
    fired = _fired(folder / "drop", rates, trials, 7)
    for rule, share in zip(Rule, _POWER[drop, trials], strict=True):
        if share:
            seen = fired.get((rule, Direction.DROP), {})
            hits = [f"rate_{place}" in seen for place in range(worlds)]
            asked = f"{rule}: found within seven days"
            yield at_least(
                f"-{100 * drop:.0f} %, {trials:,} a day", asked, hits, max(share - 0.05, 0.0)
            )


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
Check = tuple[str, Callable[[Found], bool]]


def _parts(found: Found, metric: str) -> list[Mapping[str, Any]]:
    """Of every ongoing alert of a metric; those of its funnel are alerts of another name."""
    return [
        part
        for alert in found["alerts"]
        if alert["metric_name"] == metric and alert["is_ongoing"]
        for part in alert["parts"]
    ]


def _main(found: Found, metric: str) -> set[tuple[str, str, str]]:
    return {
        (part["part_kind"], part["part_dimension"], part["part_value"])
        for part in _parts(found, metric)
        if part["is_main"]
    }


def _mostly(found: Found, metric: str, *asked: tuple[str, str, str]) -> bool:
    """Whether each of these parts is there, and at least four fifths of its change."""
    shares = {
        (part["part_kind"], part["part_dimension"], part["part_value"]): part["share"]
        for part in _parts(found, metric)
    }
    return all((shares.get(one) or 0.0) >= _MOSTLY for one in asked)


def _problems(found: Found) -> list[tuple[str, str]]:
    return [(one["kind"], one["name"]) for one in found["tracking"]]


_MOBILE = ("segment_rate", "device_category", "mobile")
_CART = ("step", "", "Added to cart")
_BY_DEVICE = ("rate_of_dimension", "device_category", "")
_BY_CHANNEL = ("mix_of_dimension", "channel_group", "")

PLANTS: dict[str, tuple[Check, ...]] = {
    case.NOTHING: (("nothing of tracking is told", lambda found: not found["tracking"]),),
    case.MOBILE_DROP: (
        (
            "step and device of the drop are named",
            lambda found: {_MOBILE, _CART} <= _main(found, "add_to_cart"),
        ),
        (
            "80 % of it given to that step, to rate and to mobile",
            lambda found: _mostly(found, "add_to_cart", _CART, _BY_DEVICE, _MOBILE),
        ),
    ),
    case.MIX_SHIFT: (
        (
            "named as mix, of the channel that grew",
            lambda found: ("mix", "channel_group", "Paid Social") in _main(found, "add_to_cart"),
        ),
        (
            "80 % of it given to the mix of channels",
            lambda found: _mostly(found, "add_to_cart", _BY_CHANNEL),
        ),
    ),
    case.SMALL_ORDERS: (
        (
            "size of orders and device are named",
            lambda found: (
                {_MOBILE, ("step", "", "Revenue per sale")} <= _main(found, "revenue_per_visit")
            ),
        ),
    ),
    case.PAID_LESS: (
        (
            "80 % of it given to sales without revenue",
            lambda found: _mostly(
                found, "revenue_per_visit", ("step", "", "Sales that come with revenue")
            ),
        ),
    ),
    case.OUTAGE: (
        (
            "tracking, and no alert of the event",
            lambda found: (
                _problems(found) == [("event gone", "begin_checkout")]
                and not _main(found, "begin_checkout")
            ),
        ),
    ),
    case.LOST_REVENUE: (
        (
            "tracking, and no alert of revenue",
            lambda found: (
                [kind for kind, _ in _problems(found)] == ["revenue missing"]
                and not _main(found, "revenue_per_visit")
            ),
        ),
    ),
    case.FLAG: (
        (
            "tracking, one turned flag",
            lambda found: [kind for kind, _ in _problems(found)] == ["flag turned"],
        ),
    ),
    case.RISE: (
        (
            "the rise is told with a next step that did not follow",
            lambda found: (
                ("guard", "", "“Began checkout” per visit") in _main(found, "add_to_cart")
            ),
        ),
    ),
}


def diagnoses(worlds: int, folder: Path, plant: str) -> Iterator[Row]:
    """What is planted is named for what it is."""
    hits: dict[str, list[bool]] = {asked: [] for asked, _ in PLANTS[plant]}
    for seed in range(1, worlds + 1):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            project = case.make_watched_project(Path(place) / "shop", [plant], seed)
            with _inside(project):
                done = run("watch", "--format", "json", "--no-write")
            assert done.exit_code == 0, done.output
            found = json.loads(done.stdout)
            for asked, is_so in PLANTS[plant]:
                hits[asked].append(is_so(found))
    for asked, seen in hits.items():
        yield at_least(plant.replace("_", " "), asked, seen, SURE)


@contextmanager
def _inside(project: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        work_in(project, patch)
        yield


PARTS: dict[str, dict[str, Piece]] = {
    "alerts": {
        **{
            f"quiet {trials} {memory}": partial(quiet, trials=trials, spread=spread, memory=memory)
            for trials, spread, memory in (
                (200, 0.05, 0.0),
                (1000, 0.05, 0.0),
                (5000, 0.05, 0.0),
                (5000, 0.08, 0.5),
            )
        },
        **{
            f"drop {drop} {trials}": partial(drops, drop=drop, trials=trials)
            for drop, trials in _POWER
        },
    },
    "diagnoses": {plant: partial(diagnoses, plant=plant) for plant in PLANTS},
}
