"""The largest log-likelihood of any set of micro-conversions, quickly enough for thousands of sets.

With strata in rows and patterns in columns the log odds are a sum of both, so the information
matrix comes from the margins of one table and its cost does not grow with the square of columns.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.linalg import LinAlgWarning, solve

from microconv.evidence.patterns import PatternTable
from microconv.evidence.quantities import Floats, Ints, sums_by

_GAIN_LEFT = 1e-9  # what another step may still add to the log-likelihood
_MOST_STEPS = 60
_LARGEST_STEP = 5.0
_RIDGE = 1e-10  # relative; keeps the step finite where a set separates


class SetLikelihood:
    """Log-likelihoods of strata plus a set of micro-conversions; each set starts from a subset.

    Args:
        table: Bits that never vary must be left out before.
    """

    def __init__(self, table: PatternTable) -> None:
        _, first, self._row = np.unique(table.stratum, return_index=True, return_inverse=True)
        self._dummies = table.dummies[first]
        self._patterns, self._column = np.unique(table.pattern, return_inverse=True)
        self._n, self._converted = table.n, table.converted
        self._count = len(table.names)
        self._found: dict[int, tuple[float, Floats]] = {}

    @property
    def cells(self) -> int:
        """Size of the table, which the time of a fit grows with."""
        return len(self._dummies) * len(self._patterns)

    def maximum(self, mask: int) -> float:
        """Largest log-likelihood with the strata and the set `mask`, bit k for micro k."""
        if mask not in self._found:
            with warnings.catch_warnings():
                # A micro-conversion or stratum without conversions has a coefficient without end:
                # the likelihood converges all the same, and it is all that is asked for.
                warnings.simplefilter("ignore", LinAlgWarning)
                self._found[mask] = self._fit(mask)
        return self._found[mask][0]

    def _fit(self, mask: int) -> tuple[float, Floats]:
        n, converted, bits = self._collapsed(mask)
        beta = self._start(mask, n, converted)
        width = self._dummies.shape[1]
        used = [k for k in range(self._count) if mask >> k & 1]
        state = beta[[*range(width), *(width + k for k in used)]]
        best, score, information = self._at(state, n, converted, bits)
        for _ in range(_MOST_STEPS):
            information[np.diag_indices_from(information)] *= 1 + _RIDGE
            step: Floats = solve(information, score, assume_a="pos")
            if float(score @ step) / 2 < _GAIN_LEFT:
                break
            step *= min(1.0, _LARGEST_STEP / float(np.abs(step).max()))
            following = self._at(state + step, n, converted, bits)
            while following[0] < best and float(np.abs(step).max()) > 1e-8:
                step /= 2
                following = self._at(state + step, n, converted, bits)
            if following[0] < best:
                break
            state, (best, score, information) = state + step, following
        beta[:width] = state[:width]
        beta[[width + k for k in used]] = state[width:]
        return best, beta

    def _collapsed(self, mask: int) -> tuple[Floats, Floats, Floats]:
        """Counts with the patterns added up over what is not in the set, and the set's bits."""
        kept, group = np.unique(self._patterns & mask, return_inverse=True)
        shape = (len(self._dummies), len(kept))
        place = self._row * shape[1] + group[self._column]
        n = sums_by(place, self._n, shape[0] * shape[1]).reshape(shape)
        converted = sums_by(place, self._converted, shape[0] * shape[1]).reshape(shape)
        return n, converted, _bits(kept, mask, self._count)

    def _start(self, mask: int, n: Floats, converted: Floats) -> Floats:
        subset = next(
            (mask & ~(1 << k) for k in range(self._count) if mask & ~(1 << k) in self._found), None
        )
        if mask and subset is not None:
            return self._found[subset][1].copy()
        beta = np.zeros(self._dummies.shape[1] + self._count)
        rate = (converted.sum() + 0.5) / (n.sum() + 1)
        beta[0] = np.log(rate / (1 - rate))
        return beta

    def _at(
        self, state: Floats, n: Floats, converted: Floats, bits: Floats
    ) -> tuple[float, Floats, Floats]:
        """Log-likelihood, score and information."""
        dummies, width = self._dummies, self._dummies.shape[1]
        log_odds = (dummies @ state[:width])[:, None] + (bits @ state[width:])[None, :]
        # One exponential gives both the probabilities and log(1 + exp(log odds)).
        small = np.exp(-np.abs(log_odds))
        p = np.where(log_odds >= 0, 1.0, small) / (1 + small)
        normed = np.maximum(log_odds, 0.0) + np.log1p(small)
        likelihood = float(np.sum(converted * log_odds) - np.sum(n * normed))
        residual, weight = converted - n * p, n * p * (1 - p)
        score = np.concatenate([dummies.T @ residual.sum(1), bits.T @ residual.sum(0)])
        across = dummies.T @ (weight @ bits)
        information = np.block(
            [
                [dummies.T @ (dummies * weight.sum(1)[:, None]), across],
                [across.T, bits.T @ (bits * weight.sum(0)[:, None])],
            ]
        )
        return likelihood, score, information


def _bits(patterns: Ints, mask: int, count: int) -> Floats:
    places = np.array([k for k in range(count) if mask >> k & 1], dtype=np.int64)
    bits: Floats = ((patterns[:, None] >> places) & 1).astype(np.float64)
    return bits
