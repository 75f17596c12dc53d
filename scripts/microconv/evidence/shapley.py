"""Shapley shares: what each of several overlapping contributors adds, on average over orders (M9).

phi_k = sum over sets S without k of |S|! (m - |S| - 1)! / m! · (v(S + k) - v(S)). The shares add up
to v(all) - v(none). Sources: Shapley 1953; Lindeman, Merenda and Gold 1980 for R².
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from microconv.evidence.quantities import Floats

MOST_EXACT = 12
"""Above this number of contributors (4,096 sets) orders are sampled."""

SAMPLED_ORDERS = 200


@dataclass(frozen=True)
class ShapleyShares:
    """Contributions in the unit of the value function.

    Args:
        contributions: One per contributor; their sum is v(all) - v(none).
        standard_errors: Of sampling the orders; 0 where all sets were taken.
    """

    contributions: Floats
    standard_errors: Floats

    @property
    def shares(self) -> Floats:
        """Contributions over their sum; NaN if it is 0."""
        total = float(self.contributions.sum())
        if total == 0:
            return np.full_like(self.contributions, np.nan)
        return self.contributions / total


def shapley_shares(
    value: Callable[[int], float],
    count: int,
    seed: int = 0,
    orders: int = SAMPLED_ORDERS,
    most_exact: int = MOST_EXACT,
) -> ShapleyShares:
    """Shapley contributions, exact up to `most_exact` contributors, else over sampled orders.

    Args:
        value: The value of a set of contributors, bit k of the argument being contributor k.
        count: How many contributors there are.
        seed: Of the sampled orders.
        orders: How many orders are sampled; half of them are the others backwards.
        most_exact: Up to how many contributors all sets are valued.
    """
    value = cache(value)
    return _exact(value, count) if count <= most_exact else _sampled(value, count, seed, orders)


def _exact(value: Callable[[int], float], count: int) -> ShapleyShares:
    values = np.array([value(mask) for mask in range(2**count)])
    masks = np.arange(2**count)
    sizes = np.array([mask.bit_count() for mask in range(2**count)])
    contributions = np.zeros(count)
    for k in range(count):
        without = masks[(masks >> k) & 1 == 0]
        weights = np.array(
            [1 / (count * math.comb(count - 1, size)) for size in range(count)], dtype=np.float64
        )[sizes[without]]
        contributions[k] = float(weights @ (values[without | (1 << k)] - values[without]))
    return ShapleyShares(contributions, np.zeros(count))


def _sampled(value: Callable[[int], float], count: int, seed: int, orders: int) -> ShapleyShares:
    random = np.random.default_rng(seed)
    gains = np.zeros((max(orders // 2, 1), count))
    for row in gains:
        order = random.permutation(count)
        # An order and its reverse vary against each other, which steadies the mean.
        for one in (order, order[::-1]):
            mask, before = 0, value(0)
            for k in one:
                mask |= 1 << int(k)
                after = value(mask)
                row[k] += (after - before) / 2
                before = after
    spread = gains.std(axis=0, ddof=1) if len(gains) > 1 else np.full(count, np.nan)
    return ShapleyShares(gains.mean(axis=0), spread / math.sqrt(len(gains)))
