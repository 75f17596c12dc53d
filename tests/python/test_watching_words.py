"""Whatever the counts, there is a sentence, never a crash, and never a number that is none."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from microconv.watching.alerts import watch
from microconv.watching.decomposition import SegmentCounts
from microconv.watching.diagnosis import diagnose, funnel_parts, volume_and_rate
from microconv.watching.guards import guard_pair, rate_change
from microconv.watching.lead_lag import lead_lag
from microconv.watching.outages import Kind, Tracked, find_suspicions
from microconv.watching.series import DailyRate
from microconv.watching.wording import (
    alert_sentences,
    diagnosis_sentence,
    guard_sentence,
    lead_sentence,
    outage_sentence,
    signed,
)

FIRST = date(2026, 1, 5)
NO_NUMBER = re.compile(r"\b(nan|inf)\b", re.I)


def odd_series() -> dict[str, DailyRate]:
    """Histories as they come from real, small and broken properties."""
    random = np.random.default_rng(20_261_122)

    def made(x: npt.ArrayLike, n: npt.ArrayLike) -> DailyRate:
        return DailyRate(FIRST, np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64))

    n = np.full(120, 500)
    gaps = np.where(random.random(120) < 0.3, 0, 500)
    return {
        "nothing at all": made(np.zeros(120), np.zeros(120)),
        "no day": made(np.zeros(0), np.zeros(0)),
        "one day": made(np.array([3]), np.array([40])),
        "one empty day": made(np.zeros(1), np.zeros(1)),
        "never": made(np.zeros(120), n),
        "always": made(n, n),
        "constant": made(np.full(120, 40), n),
        "one visitor a day": made(random.binomial(1, 0.1, 120), np.ones(120)),
        "gaps": made(random.binomial(gaps, 0.1), gaps),
        "unknown": made(np.full(120, math.nan), n),
        "more than all": made(np.full(120, 900), n),
        "usual": made(random.binomial(n, 0.1), n),
        "huge": made(random.binomial(10**9, 0.1, 120), np.full(120, 10**9)),
    }


@pytest.mark.parametrize("name", odd_series())
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_every_history_has_a_sentence(name: str) -> None:
    series, usual = odd_series()[name], odd_series()["usual"]
    for days in (0, 3, 40, 119, 500):
        found = watch(series, FIRST + timedelta(days=days))
        said = alert_sentences(found, "Cart rate")
        assert said and not any(NO_NUMBER.search(one) for one in said)
        assert all(math.isfinite(one.change + one.statistic) for one in found.findings)
    if name != "no day":
        for pair in ((series, usual), (usual, series)):
            assert not NO_NUMBER.search(lead_sentence(lead_lag(*pair), "Carts", "purchases"))
    for kind in Kind:
        for one in find_suspicions([Tracked(kind, "cart", series, "browser", "Safari")]):
            assert not NO_NUMBER.search(outage_sentence(one))


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_every_pair_of_periods_has_a_sentence() -> None:
    random = np.random.default_rng(20_261_122)
    for _ in range(300):
        n = random.choice([0, 1, 50, 400, 10**6], (2, 3)).astype(np.float64)
        x = np.floor(n * random.choice([0.0, 0.001, 0.5, 1.0], (2, 3)))
        counts = SegmentCounts("device", ("a", "b", "c"), n[0], x[0], n[1], x[1])
        steps = funnel_parts(("cart", "order"), n[0], n[1])
        known = steps if isinstance(steps, tuple) else ()
        assert not NO_NUMBER.search(diagnosis_sentence(diagnose([counts]), known))
        volume_and_rate(n[0].sum(), x[0].sum(), n[1].sum(), x[1].sum())
        changes = [rate_change(x[0][k], n[0][k], x[1][k], n[1][k]) for k in (0, 1)]
        said = guard_sentence(guard_pair(changes[0], changes[1]), "Carts", "orders")
        assert not NO_NUMBER.search(said)


@pytest.mark.parametrize(
    ("change", "said"),
    [(-0.0001, "+0.0 %"), (0.0, "+0.0 %"), (-0.183, "-18.3 %"), (math.nan, "–"), (math.inf, "–")],
)
def test_a_change_that_rounds_to_none_has_no_minus(change: float, said: str) -> None:
    assert signed(change) == said
