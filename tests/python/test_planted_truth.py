"""The quick set of `make truth`: its first seed, from export to verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import planted
import pytest
from planted import Seen
from project_run import shared_folder

SEEDS = (1,)


def seen_in(folder: Path, visitors_per_day: int) -> dict[int, list[Seen]]:
    """What each seed's shop of so many new visitors a day says; what it took is in `folder`."""
    # A process of its own: a fork of one in which dbt and DuckDB have run may wait for ever.
    arguments = (str(folder), str(visitors_per_day), *map(str, SEEDS))
    command = [sys.executable, planted.__file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-4000:]
    return found_in(folder)


def found_in(folder: Path) -> dict[int, list[Seen]]:
    found = json.loads((folder / "found.json").read_text())
    return {int(seed): planted.judge_seed(answer) for seed, answer in found.items()}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Seen]]:
    def fill(folder: Path) -> None:
        seen_in(folder, planted.Shop.visitors_per_day)

    return found_in(shared_folder(tmp_path_factory, "planted_truth", fill))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_verdict_says_without_numbers_is_right(
    seen: dict[int, list[Seen]], seed: int
) -> None:
    labels = [one for one in seen[seed] if one.rule == "label"]
    assert len(labels) >= 7
    assert [one.name for one in labels if not one.is_right] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_the_usual_comparison_misleads_where_nothing_was_planted(
    seen: dict[int, list[Seen]], seed: int
) -> None:
    [banner] = [one for one in seen[seed] if one.name.startswith("banner, usual")]
    assert banner.is_right and banner.value is not None and banner.value > 1.5


def test_intervals_hold_what_was_planted(seen: dict[int, list[Seen]]) -> None:
    """Of some ten 95 % intervals one or two may miss; `make truth` counts over many seeds."""
    looked = [
        one
        for found in seen.values()
        for one in found
        if one.rule in ("coverage", "type_one") and one.is_right is not None
    ]
    assert len(looked) >= 8
    missed = [one for one in looked if not one.is_right]
    assert len(missed) <= 0.2 * len(looked), missed


@pytest.mark.long
def test_a_larger_shop_says_when_a_delayed_effect_begins(tmp_path: Path) -> None:
    """In the usual one too few conversions are expected after the sign-up for any number."""
    [found] = seen_in(tmp_path, 1600).values()
    lags = [one for one in found if one.name.startswith("newsletter")]
    assert [one.is_right for one in lags] == [True] * 4, lags
