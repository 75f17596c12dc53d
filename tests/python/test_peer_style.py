"""What this project does differently from most is cheaper, and says the same."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest
from microconv.demo import generate_demo
from project_run import PROJECT

sys.path.append(str(PROJECT / "scripts"))

import peer_style

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, peer_style.Pair]:
    folder: Path = tmp_path_factory.mktemp("peer") / "export"
    generate_demo(folder, days=3, visitors_per_day=300, seed=1, until=date(2026, 11, 8))
    found = peer_style.compare(str(folder / "events_2*.parquet"), busy_events=1500)
    return {one.question: one for one in found}


@pytest.mark.parametrize(("question", "least"), [("parameters", 8), ("funnel", 8)])
def test_the_same_answer_in_a_fraction_of_the_time(
    pairs: dict[str, peer_style.Pair], question: str, least: float
) -> None:
    """On a quiet machine the ratios are above 30; the limit leaves room for a busy one."""
    pair = pairs[question]
    assert pair.our_answer == pair.peer_answer
    assert all(value is not None for value in pair.our_answer[0])
    assert pair.ratio > least, (
        f"{question}: {pair.peer_seconds:.2f} CPU s in the peers' way, {pair.our_seconds:.2f} here"
    )
