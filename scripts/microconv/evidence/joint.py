"""The joint model: what each micro-conversion adds to the prediction given the others (M9).

For prediction only: a coefficient here is what is left after the other micro-conversions, later
steps of the same path included, so it does not say what matters. `stage_ordered_effects` adjusts
each for earlier stages only, which is the fairer question.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microconv.evidence.crossed import CrossedRows
from microconv.evidence.likelihood import SetLikelihood
from microconv.evidence.logistic import Fit, GroupedRows, expit, fit_logistic
from microconv.evidence.patterns import PatternTable
from microconv.evidence.quantities import (
    CONFIDENCE,
    Estimate,
    Floats,
    chi_squared_p,
    log_estimate,
)
from microconv.evidence.shapley import MOST_EXACT, ShapleyShares, shapley_shares

LARGEST_VIF = 10.0

_LARGEST_EXACT_WORK = 100_000_000  # cells of the pattern table × sets: about 2 seconds
_FEW_ORDERS = 40


@dataclass(frozen=True)
class JointEffect:
    """One micro-conversion in the joint model.

    Args:
        name: The micro-conversion.
        odds_ratio: Given strata and all the others, Firth, Wald interval.
        chi_squared: Penalised likelihood ratio test of leaving it out, 1 degree of freedom.
        p_value: Of that.
        mcfadden_delta: Log-likelihood lost without it over that of the intercept alone, in 0..1.
        shapley_share: Share of what all micro-conversions add to the log-likelihood.
        shapley_error: Standard error of the share from sampling; 0 if exact.
        vif: Variance inflation; above `LARGEST_VIF` the others say nearly the same.
        risk_ratio: Mean next-step probability if all had done it over if none had.
    """

    name: str
    odds_ratio: Estimate
    chi_squared: float
    p_value: float
    mcfadden_delta: float
    shapley_share: float
    shapley_error: float
    vif: float
    risk_ratio: Estimate

    @property
    def is_collinear(self) -> bool:
        """Whether the variance inflation is above `LARGEST_VIF`."""
        return self.vif > LARGEST_VIF


@dataclass(frozen=True)
class JointModel:
    """The joint model.

    Args:
        effects: In the order of the table's names.
        fit: Columns are the micro-conversions after the strata's dummies.
        first_micro_column: Column of the first micro-conversion in the fit.
        gained_log_likelihood: What all micro-conversions add to the strata.
    """

    effects: tuple[JointEffect, ...]
    fit: Fit
    first_micro_column: int
    gained_log_likelihood: float


@dataclass(frozen=True)
class StagedEffect:
    """A micro-conversion adjusted for strata and the micro-conversions of earlier stages."""

    name: str
    odds_ratio: Estimate
    risk_ratio: Estimate
    adjusted_for: tuple[str, ...]


def fit_joint(table: PatternTable, seed: int = 0) -> JointModel:
    """Fit all micro-conversions of a table together.

    Bits that never vary and near-copies must be left out before: see `choose_joint_set`.

    Raises:
        SingularDesignError: A bit repeats what others or the strata say.
    """
    first = table.dummies.shape[1]
    rows = CrossedRows.from_table(table)
    fit = fit_logistic(rows)
    likelihood, everything = SetLikelihood(table), 2 ** len(table.names) - 1
    shares = _shares(likelihood, len(table.names), seed)
    null = _intercept_log_likelihood(rows)
    full = likelihood.maximum(everything)
    inflation = variance_inflation(
        rows.design, rows.n * fit.probabilities * (1 - fit.probabilities)
    )
    total = float(shares.contributions.sum())
    effects = []
    for micro, name in enumerate(table.names):
        column = first + micro
        free = np.arange(rows.width) != column
        without = fit_logistic(rows, free=free, start=fit.coefficients)
        chi_squared = 2 * (fit.penalized_log_likelihood - without.penalized_log_likelihood)
        lost = full - likelihood.maximum(everything & ~(1 << micro))
        effects.append(
            JointEffect(
                name=name,
                odds_ratio=fit.odds_ratio(column),
                chi_squared=max(chi_squared, 0.0),
                p_value=chi_squared_p(chi_squared, 1),
                mcfadden_delta=lost / -null if null else math.nan,
                shapley_share=float(shares.shares[micro]),
                shapley_error=float(shares.standard_errors[micro]) / total if total else math.nan,
                vif=float(inflation[column]),
                risk_ratio=standardized_risk_ratio(rows, fit, column),
            )
        )
    return JointModel(tuple(effects), fit, first, total)


def stage_ordered_effects(table: PatternTable, stages: Sequence[int]) -> tuple[StagedEffect, ...]:
    """Each micro-conversion adjusted for strata and for those of earlier stages only.

    Args:
        stages: Stage of each micro-conversion, larger is later.
    """
    effects = []
    for micro, stage in enumerate(stages):
        earlier = tuple(other for other, its in enumerate(stages) if its < stage)
        part = table.only((*earlier, micro))
        rows = CrossedRows.from_table(part)
        column = rows.width - 1
        fit = fit_logistic(rows)
        effects.append(
            StagedEffect(
                name=table.names[micro],
                odds_ratio=fit.odds_ratio(column),
                risk_ratio=standardized_risk_ratio(rows, fit, column),
                adjusted_for=tuple(table.names[other] for other in earlier),
            )
        )
    return tuple(effects)


def standardized_risk_ratio(
    rows: GroupedRows, fit: Fit, column: int, confidence: float = CONFIDENCE
) -> Estimate:
    """Mean fitted probability with a column at 1 over that with it at 0, delta-method interval.

    The mean is over all units of the rows, whatever they did (g-computation).
    """
    means, gradients = [], []
    for level in (1.0, 0.0):
        design = rows.design.copy()
        design[:, column] = level
        p = expit(design @ fit.coefficients)
        mean = float(rows.n @ p)
        means.append(mean)
        gradients.append((rows.n * p * (1 - p)) @ design / mean)
    gradient = gradients[0] - gradients[1]
    error = math.sqrt(max(float(gradient @ fit.covariance @ gradient), 0.0))
    return log_estimate(math.log(means[0] / means[1]), error, confidence)


def variance_inflation(design: Floats, weights: Floats) -> Floats:
    """Diagonal of the inverse correlation matrix of weighted columns; NaN for the intercept.

    Args:
        design: Row × column.
        weights: Per row; those of the last fitting step for a logistic regression.
    """
    share = weights / weights.sum()
    centred = design - share @ design
    covariance = centred.T @ (centred * share[:, None])
    spread = np.sqrt(np.diag(covariance))
    varying = spread > 1e-12
    inflation = np.full(design.shape[1], np.nan)
    correlation = covariance[np.ix_(varying, varying)] / np.outer(spread[varying], spread[varying])
    inflation[varying] = np.diag(np.linalg.inv(correlation))
    return inflation


def log_likelihood_shares(table: PatternTable, seed: int = 0) -> ShapleyShares:
    """Shapley contributions of the micro-conversions to the log-likelihood beyond the strata."""
    return _shares(SetLikelihood(table), len(table.names), seed)


def _shares(likelihood: SetLikelihood, count: int, seed: int) -> ShapleyShares:
    """Exact while all sets take seconds; a larger table gets a few orders and their error."""
    if count <= MOST_EXACT and likelihood.cells * 2**count > _LARGEST_EXACT_WORK:
        return shapley_shares(likelihood.maximum, count, seed, _FEW_ORDERS, most_exact=0)
    return shapley_shares(likelihood.maximum, count, seed)


def _intercept_log_likelihood(rows: GroupedRows) -> float:
    intercept = GroupedRows(np.ones((len(rows.n), 1)), rows.n, rows.converted)
    return fit_logistic(intercept, is_firth=False).log_likelihood
