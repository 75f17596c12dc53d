"""Exact inference for a 2 × 2 table whose expected counts are small (method M5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln

from microconv.evidence.quantities import CONFIDENCE, Estimate, Floats

SMALL_EXPECTED_COUNT = 5
"""Below this expected count in any cell the intervals of `ratios` give way to the exact test."""

_TIE = 1 + 1e-7  # R's fisher.test: probabilities this close to the observed one are ties
_LOG_ODDS_LIMIT = 60.0


@dataclass(frozen=True)
class ExactTest:
    """Fisher's exact test of a 2 × 2 table.

    Args:
        odds_ratio: The conditional maximum likelihood odds ratio with its exact interval.
        p_two_sided: Tables at most as probable as the observed one, as R and SAS add them up.
        p_greater: The observed count of exposed successes, or more.
        p_less: The observed count, or fewer.
        p_mid: The two-sided p-value with half the weight of the observed table (mid-p).
    """

    odds_ratio: Estimate
    p_two_sided: float
    p_greater: float
    p_less: float
    p_mid: float


def needs_exact(successes1: float, trials1: float, successes0: float, trials0: float) -> bool:
    """Whether a cell's expected count is under `SMALL_EXPECTED_COUNT`."""
    total, successes = trials1 + trials0, successes1 + successes0
    if total == 0:
        return True
    smallest = min(trials1, trials0) * min(successes, total - successes) / total
    return smallest < SMALL_EXPECTED_COUNT


def fisher_exact(
    successes1: int, trials1: int, successes0: int, trials0: int, confidence: float = CONFIDENCE
) -> ExactTest:
    """Fisher's exact test, its mid-p variant and the exact conditional odds ratio.

    Source: Fisher 1935; mid-p: Lancaster 1961; interval: Cornfield 1956 as in R's fisher.test.

    Args:
        successes1: Exposed successes, of `trials1`.
        successes0: Other successes, of `trials0`.
    """
    observed = successes1
    support, weights = _log_weights(successes1 + successes0, trials1, trials0)
    null = _probabilities(support, weights, 0.0)
    at_observed = float(null[support == observed][0])
    two_sided = float(null[null <= at_observed * _TIE].sum())
    return ExactTest(
        odds_ratio=_odds_ratio(observed, support, weights, confidence),
        p_two_sided=min(two_sided, 1.0),
        p_greater=float(null[support >= observed].sum()),
        p_less=float(null[support <= observed].sum()),
        p_mid=min(two_sided - at_observed / 2, 1.0),
    )


def _log_weights(successes: int, trials1: int, trials0: int) -> tuple[Floats, Floats]:
    """Possible counts of exposed successes and the log of C(n1, x) C(n0, m - x)."""
    support = np.arange(max(0, successes - trials0), min(trials1, successes) + 1, dtype=np.float64)

    def log_choose(n: float, k: Floats) -> Floats:
        chosen: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return chosen

    return support, log_choose(trials1, support) + log_choose(trials0, successes - support)


def _probabilities(support: Floats, weights: Floats, log_odds: float) -> Floats:
    """Fisher's noncentral hypergeometric probabilities of the support."""
    exponents = weights + support * log_odds
    unnormed: Floats = np.exp(exponents - exponents.max())
    return unnormed / unnormed.sum()


def _odds_ratio(observed: int, support: Floats, weights: Floats, confidence: float) -> Estimate:
    tail = (1 - confidence) / 2

    def mean(log_odds: float) -> float:
        return float(support @ _probabilities(support, weights, log_odds))

    def upper(log_odds: float) -> float:
        return float(_probabilities(support, weights, log_odds)[support >= observed].sum())

    def lower(log_odds: float) -> float:
        return float(_probabilities(support, weights, log_odds)[support <= observed].sum())

    if len(support) == 1:
        return Estimate(math.nan, 0.0, math.inf)
    ends = (-_LOG_ODDS_LIMIT, _LOG_ODDS_LIMIT)
    value, low, high = math.nan, 0.0, math.inf
    if observed == support[0]:
        value = 0.0
    elif observed == support[-1]:
        value = math.inf
    else:
        value = math.exp(brentq(lambda log_odds: mean(log_odds) - observed, *ends))
    if observed > support[0]:
        low = math.exp(brentq(lambda log_odds: upper(log_odds) - tail, *ends))
    if observed < support[-1]:
        high = math.exp(brentq(lambda log_odds: lower(log_odds) - tail, *ends))
    return Estimate(value, low, high)
