"""A lead score learned from snapshots: points, half-life, back-test against the hand-set one (M15).

Snapshots look at visitors at a cut in time: what they had done before it, and whether they convert
after it. Features that look past the cut would promise an AUC that no forecast can keep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microconv.evidence.calibration import Band, Calibration, calibrate, log_loss, score_bands
from microconv.evidence.logistic import GroupedRows, expit, fit_logistic
from microconv.evidence.patterns import LARGEST_PHI
from microconv.evidence.quantities import Floats
from microconv.evidence.ranking import (
    AucDifference,
    TopOfList,
    average_precision,
    compare_auc,
    top_of_list,
)
from microconv.evidence.refusal import Refusal

HALF_LIVES_DAYS = (1.0, 3.0, 7.0, 14.0, 30.0, math.inf)
# Half-lives are equally good where their log-likelihoods are this close; fits agree no better.
EQUALLY_GOOD = 0.01
MOST_POINTS = 10
LEAST_CONVERSIONS = 100
LEAST_CONVERSIONS_PER_MICRO = 10


@dataclass(frozen=True)
class Snapshots:
    """Visitors at cuts in time, grouped by what they had done.

    Args:
        names: The micro-conversions.
        age_days: Row × micro: days since it was last done before the cut; infinite for never.
        n: Visitors per row, unconverted and active at the cut.
        converted: Those of them that convert within the horizon after the cut.
    """

    names: tuple[str, ...]
    age_days: Floats
    n: Floats
    converted: Floats

    @classmethod
    def from_columns(
        cls,
        names: Sequence[str],
        age_days: npt.ArrayLike,
        n: npt.ArrayLike,
        converted: npt.ArrayLike,
    ) -> Snapshots:
        """Snapshots of any columns; a missing age means never."""
        ages = np.asarray(age_days, dtype=np.float64).reshape(-1, len(names))
        return cls(
            tuple(names),
            np.where(np.isnan(ages), np.inf, ages),
            np.asarray(n, dtype=np.float64),
            np.asarray(converted, dtype=np.float64),
        )


@dataclass(frozen=True)
class LearnedScore:
    """A score that a warehouse can compute: sum of points · 2^(-age / half-life).

    Args:
        names: Micro-conversions in the order of the snapshots.
        points: 0..10 each; 0 for those that lower the odds or were left out.
        coefficients: Log odds of just having done it; NaN where left out.
        half_life_days: Chosen by the log-loss on the training cuts, the longest of equally good
            ones: no faster decay than the data show. May be infinite.
        log_losses: Training log-loss per half-life tried.
        intercept: Log odds of conversion at a score of 0.
        slope: Log odds per point.
        left_out: A reason per micro-conversion that was left out.
    """

    names: tuple[str, ...]
    points: tuple[int, ...]
    coefficients: tuple[float, ...]
    half_life_days: float
    log_losses: dict[float, float]
    intercept: float
    slope: float
    left_out: dict[str, str]

    def score(self, snapshots: Snapshots) -> Floats:
        """Points of each row of snapshots."""
        return decayed(snapshots.age_days, self.half_life_days) @ np.array(self.points, dtype=float)

    def probability(self, score: Floats) -> Floats:
        """Probability of converting within the horizon at a score, in 0..1."""
        return expit(self.intercept + self.slope * score)


@dataclass(frozen=True)
class Backtest:
    """Learned against hand-set points on cuts after the training.

    Args:
        auc: First the learned score, second the hand-set one, and their paired difference.
        average_precision: Of the learned score.
        base_rate: What a random order would have as average precision.
        top: Lift and capture of the learned score in the best tenth.
        manual_top: The same of the hand-set points.
        calibration: Of the learned probabilities.
        bands: Score bands with the conversion that followed.
        is_learned_better: Whether the interval of the AUC difference lies above 0.
    """

    auc: AucDifference
    average_precision: float
    base_rate: float
    top: TopOfList
    manual_top: TopOfList
    calibration: Calibration
    bands: tuple[Band, ...]
    is_learned_better: bool


def decayed(age_days: Floats, half_life_days: float) -> Floats:
    """2^(-age / half-life), 0 for what was never done; 1 for all the rest if it is infinite."""
    is_done = np.isfinite(age_days)
    ages = np.where(is_done, age_days, 0.0)
    return np.where(is_done, np.exp2(-ages / half_life_days), 0.0)


def learn_score(
    train: Snapshots, half_lives_days: Sequence[float] = HALF_LIVES_DAYS
) -> LearnedScore | Refusal:
    """Learn points and a half-life, or say why there are too few data."""
    kept, left_out = _usable(train)
    refusal = refuse(float(train.converted.sum()), len(kept))
    if refusal is not None:
        return refusal
    fits, losses = {}, {}
    for half_life in half_lives_days:
        design = np.column_stack(
            [np.ones(len(train.n)), decayed(train.age_days[:, kept], half_life)]
        )
        fit = fit_logistic(GroupedRows(design, train.n, train.converted))
        fits[half_life] = fit.coefficients[1:]
        losses[half_life] = log_loss(fit.probabilities, train.n, train.converted)
    worst_allowed = min(losses.values()) + EQUALLY_GOOD / float(train.n.sum())
    best = max(half_life for half_life, loss in losses.items() if loss <= worst_allowed)
    coefficients = np.full(len(train.names), math.nan)
    coefficients[kept] = fits[best]
    points = points_of(coefficients)
    if not any(points):
        return Refusal(("No micro-conversion goes with more conversions afterwards.",))
    score = decayed(train.age_days, best) @ np.array(points, dtype=float)
    intercept, slope = _probability_of(score, train)
    return LearnedScore(
        train.names,
        points,
        tuple(coefficients.tolist()),
        best,
        losses,
        intercept,
        slope,
        left_out,
    )


def refuse(conversions: float, micros: int) -> Refusal | None:
    """The rules of enough data: conversions in all, and per micro-conversion; None if enough."""
    reasons = []
    if conversions < LEAST_CONVERSIONS:
        reasons.append(
            f"{conversions:,.0f} conversions follow the cuts; a score needs {LEAST_CONVERSIONS}."
        )
    if micros == 0:
        reasons.append(
            "No micro-conversion was done by "
            f"{LEAST_CONVERSIONS_PER_MICRO} visitors that converted afterwards."
        )
    elif conversions < LEAST_CONVERSIONS_PER_MICRO * micros:
        reasons.append(
            f"{conversions:,.0f} conversions for {micros} micro-conversions; a score needs "
            f"{LEAST_CONVERSIONS_PER_MICRO} for each."
        )
    return Refusal(tuple(reasons)) if reasons else None


def points_of(coefficients: npt.ArrayLike) -> tuple[int, ...]:
    """round(10 · b / largest b); negative and missing ones are 0, halves round up."""
    b = np.nan_to_num(np.asarray(coefficients, dtype=np.float64), nan=0.0)
    largest = float(b.max(initial=0.0))
    if largest <= 0:
        return tuple(0 for _ in b)
    return tuple(math.floor(MOST_POINTS * max(float(one), 0.0) / largest + 0.5) for one in b)


def backtest(learned: LearnedScore, test: Snapshots, manual: npt.ArrayLike) -> Backtest:
    """Hold a learned score against hand-set points on later cuts.

    Args:
        test: One cut per visitor, at least a horizon after the last training cut.
        manual: Hand-set points per row of `test`.
    """
    score, hand = learned.score(test), np.asarray(manual, dtype=np.float64)
    others = test.n - test.converted
    probability = learned.probability(score)
    comparison = compare_auc(score, hand, test.converted, others)
    return Backtest(
        auc=comparison,
        average_precision=average_precision(score, test.converted, others),
        base_rate=float(test.converted.sum() / test.n.sum()),
        top=top_of_list(score, test.converted, others),
        manual_top=top_of_list(hand, test.converted, others),
        calibration=calibrate(probability, test.n, test.converted),
        bands=score_bands(score, test.n, test.converted, probability),
        is_learned_better=comparison.difference.low > 0,
    )


def _usable(train: Snapshots) -> tuple[list[int], dict[str, str]]:
    """Places of the micro-conversions that can be told apart, and why the others are left out."""
    is_done = np.isfinite(train.age_days).astype(np.float64)
    done, hits = train.n @ is_done, train.converted @ is_done
    share = train.n / train.n.sum()
    centred = is_done - share @ is_done
    covariance = centred.T @ (centred * share[:, None])
    spread = np.sqrt(np.diag(covariance))
    kept: list[int] = []
    left_out = {}
    for micro in np.argsort(-hits, kind="stable").tolist():
        near = [
            one
            for one in kept
            if abs(covariance[micro, one]) > LARGEST_PHI * spread[micro] * spread[one]
        ]
        if hits[micro] < LEAST_CONVERSIONS_PER_MICRO:
            left_out[train.names[micro]] = (
                f"fewer than {LEAST_CONVERSIONS_PER_MICRO} of its visitors converted afterwards"
            )
        elif done[micro] >= train.n.sum():
            left_out[train.names[micro]] = "every visitor had done it"
        elif near:
            left_out[train.names[micro]] = (
                f"almost always done together with {train.names[near[0]]}"
            )
        else:
            kept.append(micro)
    return sorted(kept), left_out


def _probability_of(score: Floats, train: Snapshots) -> tuple[float, float]:
    rows = GroupedRows.from_columns(
        np.column_stack([np.ones_like(score), score]), train.n, train.converted
    )
    intercept, slope = fit_logistic(rows).coefficients
    return float(intercept), float(slope)
