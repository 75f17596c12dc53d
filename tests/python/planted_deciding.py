"""Leads and experiments that are planted, and what the commands must make of them.

Each is drawn as the tables that a build leaves, and read and judged by `experiments`, `power` or
what `lead-lag` reads and judges with. Seeds are fixed, and never chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import test_experiments_command as experiments
import test_lead_lag as leads
from evidence_warehouse import rows as rows_of_table
from evidence_warehouse import run
from microconv.deciding import Experiment
from microconv.deciding.experiments import Arm
from microconv.watching import LagVerdict
from planted_rows import SURE, Piece, Row, at_least, at_most

# By days of history: how often a lead of three days is found, and how often what moves on the same
# day is called that.
_LEAD_POWER = {60: 0.39, 90: 0.76, 120: 0.93, 180: 1.0, 365: 1.0}
_SAME_DAY_POWER = {60: 0.45, 90: 0.72, 120: 0.88, 180: 0.99, 365: 1.0}


def lead_lags(worlds: int, folder: Path, days: int) -> Iterator[Row]:
    """The table of false leads and true ones, of what the command reads and judges."""
    for kind in (*leads.SILENT, "coincident"):
        told = [one.verdict for one in leads.judged(kind, days, worlds)]
        name = f"{_SERIES.get(kind, kind)}, {days} days"
        yield at_most(
            name, "a lead is seen, where none is", [one == LagVerdict.LEADS for one in told], 0.05
        )
        if kind == "coincident":
            hits = [one == LagVerdict.COINCIDENT for one in told]
            share = min(_SAME_DAY_POWER[days], SURE) - 0.05
            yield at_least(name, "told to move on the same day", hits, share)
    hits = [bool(leads.within_a_day([one], 3)) for one in leads.judged("lead", days, worlds)]
    share = min(_LEAD_POWER[days], SURE) - 0.05
    yield at_least(f"lead of 3, {days} days", "seen within a day", hits, share)


_SERIES = {
    "none": "unrelated",
    "walk": "random walks",
    "memory": "days that resemble the day before",
    "weekday": "the same weekdays",
    "trend": "the same trend",
}


def past_tests(
    worlds: int, folder: Path, name: str, count: int, spread: float, correlation: float, arm: int
) -> Iterator[Row]:
    """Past experiments of so many worlds, through `microconv experiments`."""
    with pytest.MonkeyPatch.context() as patch:
        told = experiments.worlds(folder / "tests", patch, worlds, count, spread, correlation, arm)
    hits = [one["validity"] == "validated" for one in told]
    if correlation > 0:
        yield at_least(name, "validated", hits, 0.95)
    else:
        yield at_most(name, "validated, though it is not so", hits, 0.05)


def planned_tests(worlds: int, folder: Path, rate: float) -> Iterator[Row]:
    """Experiments of the size that `microconv power` plans, read by `microconv experiments`."""
    asked = ("--baseline", str(rate), "--mde", "10%", "--traffic", "10000", "--format", "json")
    size = json.loads(run("power", *asked).stdout)["visitors_per_arm"]
    random = np.random.default_rng(round(1000 * rate))

    def arm(micro: float) -> Arm:
        did = float(random.binomial(size, micro))
        bought = float(random.binomial(int(did), 0.3))
        return Arm(float(size), did, bought, bought)

    for lift in (1.1, 1.0):
        tests = [Experiment(f"test {one}", arm(rate), arm(rate * lift)) for one in range(worlds)]
        place = folder / f"planned_{lift}"
        with pytest.MonkeyPatch.context() as patch:
            mart = experiments.rows_of(tests, "purchase", "micro")
            experiments.project_of(place, mart, patch)
            done = run("experiments", "--format", "json")
            assert done.exit_code == 0, done.output
        read = [
            one
            for one in rows_of_table(place, "evidence_experiments")
            if one["conversion_name"] == "micro"
        ]
        assert len(read) == worlds
        name = f"{size:,} visitors per variant, usual rate {rate:.0%}"
        if lift > 1:
            hits = [one["p_value"] < 0.05 and one["lift"] > 1 for one in read]
            yield at_least(f"{name}, +10 %", "it is found (p below 0.05)", hits, 0.80)
        else:
            hits = [one["p_value"] < 0.05 for one in read]
            yield at_most(f"{name}, no effect", "a difference is found (p below 0.05)", hits, 0.05)


PARTS: dict[str, dict[str, Piece]] = {
    "leads": {f"{days} days": partial(lead_lags, days=days) for days in _LEAD_POWER},
    "experiments": {
        **{
            name: partial(past_tests, name=name, count=count, spread=spread, correlation=r, arm=arm)
            for name, count, spread, r, arm in (
                ("10 experiments without effect", 10, 0.0, 0.0, 20_000),
                ("40 experiments without effect", 40, 0.0, 0.0, 20_000),
                ("40 with unrelated effects", 40, 0.15, 0.0, 20_000),
                ("40 with opposite effects", 40, 0.15, -0.5, 20_000),
                ("100 whose effects agree", 100, 0.15, 0.98, 100_000),
            )
        },
        **{
            f"planned at {rate:.0%}": partial(planned_tests, rate=rate)
            for rate in (0.02, 0.08, 0.4)
        },
    },
}
