"""Logistic regression on grouped rows, by maximum likelihood or with Firth's penalty.

A fit on the counts of a pattern table is the fit on its visitors: the likelihood only has the
counts. Firth's penalty keeps estimates finite where a micro-conversion separates buyers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from microconv.evidence.quantities import CONFIDENCE, Bools, Estimate, Floats, log_estimate, sums_by

_MOST_STEPS = 200
_MOST_HALVINGS = 40
_LARGEST_STEP = 5.0
_TOLERANCE = 1e-10
_TRAIL = 8  # States that an extrapolation looks back at.


class SingularDesignError(ValueError):
    """Columns of a design say the same thing, so that no coefficient can be told apart."""


@dataclass(frozen=True)
class GroupedRows:
    """A design and its counts.

    Args:
        design: Row × column; the first column is the intercept where there is one.
        n: Units per row, > 0.
        converted: Converted units per row.
    """

    design: Floats
    n: Floats
    converted: Floats

    @classmethod
    def from_columns(
        cls, design: npt.ArrayLike, n: npt.ArrayLike, converted: npt.ArrayLike
    ) -> GroupedRows:
        """Rows of any columns; empty rows are left out, equal rows are added up."""
        matrix = np.asarray(design, dtype=np.float64)
        size, hits = np.asarray(n, dtype=np.float64), np.asarray(converted, dtype=np.float64)
        kept = size > 0
        unique, place = np.unique(matrix[kept], axis=0, return_inverse=True)
        place = place.reshape(-1)
        count = len(unique)
        return cls(
            unique,
            sums_by(place, size[kept], count),
            sums_by(place, hits[kept], count),
        )

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.design.shape[1])

    def log_odds(self, coefficients: Floats) -> Floats:
        """Design times coefficients, per row."""
        found: Floats = self.design @ coefficients
        return found

    def score(self, residual: Floats) -> Floats:
        """Transposed design times residuals, per column."""
        found: Floats = self.design.T @ residual
        return found

    def information(self, weight: Floats) -> Floats:
        """Column × column matrix X'WX of weights per row."""
        found: Floats = self.design.T @ (self.design * weight[:, None])
        return found

    def leverage(self, weight: Floats, inverse: Floats) -> Floats:
        """Diagonal of the hat matrix, weight x' I⁻¹ x per row."""
        found: Floats = weight * np.einsum("ij,ij->i", self.design @ inverse, self.design)
        return found


@dataclass(frozen=True)
class Fit:
    """A fitted logistic regression.

    Args:
        coefficients: Log odds per column; fixed ones are 0.
        covariance: Inverse information at the coefficients; 0 for fixed ones.
        log_likelihood: Without penalty.
        penalized_log_likelihood: With Firth's penalty ½ log det I; equal to the other without it.
        probabilities: Fitted probability per row.
        steps: Newton steps taken.
        has_converged: False if the steps ran out or the likelihood has no maximum.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    penalized_log_likelihood: float
    probabilities: Floats
    steps: int
    has_converged: bool

    @cached_property
    def standard_errors(self) -> Floats:
        """Of the coefficients, 0 for fixed ones."""
        errors: Floats = np.sqrt(np.clip(np.diag(self.covariance), 0.0, None))
        return errors

    def odds_ratio(self, column: int, confidence: float = CONFIDENCE) -> Estimate:
        """exp(coefficient) of a column with its Wald interval."""
        error = float(self.standard_errors[column])
        return log_estimate(float(self.coefficients[column]), error, confidence)


def fit_logistic(
    rows: GroupedRows,
    is_firth: bool = True,
    free: Bools | None = None,
    start: Floats | None = None,
) -> Fit:
    """Fit by damped Newton steps.

    Sources: Firth 1993, Biometrika 80:27; Heinze and Schemper 2002, Statistics in Medicine 21:2409.
    With the penalty the score is X'(y - n p + h (1/2 - p)), h the diagonal of the hat matrix.

    Args:
        is_firth: Whether to penalise; without it a separating column has no finite estimate, the
            log-likelihood still comes out to its limit, and `has_converged` is False.
        free: Which columns are estimated; the others stay 0 but count in the penalty, which is
            what a penalised likelihood ratio test needs. None for all.
        start: Coefficients to start from.

    Raises:
        SingularDesignError: Columns are linearly dependent.
    """
    is_free = np.ones(rows.width, dtype=bool) if free is None else free
    if not is_firth:
        # Dependence is told from separation by the design alone.
        _factored(rows.information(rows.n))
    beta = np.zeros(rows.width) if start is None else np.where(is_free, start, 0.0)
    if start is None and is_free.any():
        beta = _start_from_base_rate(rows, is_free)
    state = _State.at(rows, beta, is_firth, is_free)
    trail = [state]
    for steps in range(1, _MOST_STEPS + 1):
        step = _bounded(_extrapolated(trail))
        following = _damped(rows, state, step, is_firth, is_free, halvings=1)
        if following is None:
            trail = [state]
            following = _damped(rows, state, _bounded(state.step), is_firth, is_free)
        if following is None:
            return state.as_fit(steps, bool(np.abs(state.score).max(initial=0.0) < 1e-6))
        gain = following.objective - state.objective
        moved = float(np.abs(following.beta - state.beta).max(initial=0.0))
        state = following
        trail = [*trail[-_TRAIL:], state] if is_firth else [state]
        scale = 1 + abs(state.objective)
        if gain < _TOLERANCE * scale and moved < 1e-9:
            return state.as_fit(steps, True)
        # On the way to infinity the likelihood stands still while the coefficients run.
        if not is_firth and gain < 1e-13 * scale and np.abs(state.beta).max() > 12:
            return state.as_fit(steps, False)
    return state.as_fit(_MOST_STEPS, False)


def log_likelihood(n: Floats, converted: Floats, probabilities: Floats) -> float:
    """Binomial log-likelihood without its constant: sum of y log p + (n - y) log(1 - p)."""
    p = np.clip(probabilities, 1e-300, 1.0)
    q = np.clip(1 - probabilities, 1e-300, 1.0)
    return float(converted @ np.log(p) + (n - converted) @ np.log(q))


def expit(log_odds: Floats) -> Floats:
    """The logistic function, without overflow."""
    half: Floats = 0.5 * (1 + np.tanh(log_odds / 2))
    return half


@dataclass(frozen=True)
class _State:
    """Where the search stands."""

    beta: Floats
    probabilities: Floats
    log_likelihood: float
    objective: float
    score: Floats
    step: Floats
    covariance: Floats

    @classmethod
    def at(cls, rows: GroupedRows, beta: Floats, is_firth: bool, free: Bools) -> _State:
        log_odds = rows.log_odds(beta)
        p = expit(log_odds)
        weight = rows.n * p * (1 - p)
        likelihood = float(rows.converted @ log_odds - rows.n @ np.logaddexp(0.0, log_odds))
        residual = rows.converted - rows.n * p
        objective = likelihood
        information = rows.information(weight)
        if is_firth:
            factor = _factored(information)
            inverse = cho_solve(factor, np.eye(len(beta)))
            residual = residual + rows.leverage(weight, inverse) * (0.5 - p)
            objective += float(np.log(np.diag(factor[0])).sum())
        score = rows.score(residual)[free]
        step, covariance = np.zeros_like(beta), np.zeros((len(beta), len(beta)))
        if free.any():
            factor = _factored(information[np.ix_(free, free)], ridge=0.0 if is_firth else 1e-12)
            step[free] = cho_solve(factor, score)
            covariance[np.ix_(free, free)] = cho_solve(factor, np.eye(int(free.sum())))
        return cls(beta, p, likelihood, objective, score, step, covariance)

    def as_fit(self, steps: int, has_converged: bool) -> Fit:
        return Fit(
            self.beta,
            self.covariance,
            self.log_likelihood,
            self.objective,
            self.probabilities,
            steps,
            has_converged,
        )


def _factored(information: Floats, ridge: float = 0.0) -> tuple[Floats, bool]:
    """Cholesky factor of an information matrix; `ridge` keeps one that separation empties."""
    diagonal = np.diag(information)
    if ridge:
        information = information + ridge * np.diag(np.maximum(diagonal, 1e-12))
    try:
        if not (diagonal > 0).all():
            raise LinAlgError
        if not ridge and _smallest_eigenvalue(information, diagonal) < 1e-11:
            raise LinAlgError
        factor, is_lower = cho_factor(information)
    except (LinAlgError, np.linalg.LinAlgError, ValueError) as error:
        raise SingularDesignError("columns of the design are linearly dependent") from error
    return factor, is_lower


def _smallest_eigenvalue(information: Floats, diagonal: Floats) -> float:
    """Of the matrix scaled to a diagonal of ones, so that near-singular is told by ratio."""
    scale = 1 / np.sqrt(diagonal)
    return float(np.linalg.eigvalsh(information * np.outer(scale, scale))[0])


def _start_from_base_rate(rows: GroupedRows, free: Bools) -> Floats:
    """The intercept at the overall rate, where the first column is an intercept."""
    beta = np.zeros(rows.width)
    if free[0] and (rows.design[:, 0] == 1).all():
        rate = (rows.converted.sum() + 0.5) / (rows.n.sum() + 1)
        beta[0] = np.log(rate / (1 - rate))
    return beta


def _bounded(step: Floats) -> Floats:
    largest = float(np.abs(step).max(initial=0.0))
    return step if largest <= _LARGEST_STEP else step * (_LARGEST_STEP / largest)


def _extrapolated(trail: list[_State]) -> Floats:
    """The step from the last state to where the steps so far are heading (Anderson acceleration).

    Newton's step takes the penalty for constant. Where columns hold nobody who converted, the
    penalty is all there is: plain steps then shrink by a tenth at a time.

    Source: Walker and Ni 2011, SIAM Journal on Numerical Analysis 49:1715.
    """
    last = trail[-1].step
    if len(trail) < 2:
        return last
    moves = np.stack([after.beta - before.beta for before, after in pairwise(trail)], axis=1)
    turns = np.stack([after.step - before.step for before, after in pairwise(trail)], axis=1)
    weights = np.linalg.lstsq(turns, last, rcond=None)[0]
    ahead: Floats = last - (moves + turns) @ weights
    return ahead if np.isfinite(ahead).all() else last


def _damped(
    rows: GroupedRows,
    state: _State,
    step: Floats,
    is_firth: bool,
    free: Bools,
    halvings: int = _MOST_HALVINGS,
) -> _State | None:
    """The first of step, step / 2, step / 4, … that does not lower the objective."""
    slack = 1e-12 * (1 + abs(state.objective))
    for _ in range(halvings):
        try:
            following = _State.at(rows, state.beta + step, is_firth, free)
        except SingularDesignError:
            following = None
        if following is not None and following.objective >= state.objective - slack:
            return following
        step = step / 2
    return None
