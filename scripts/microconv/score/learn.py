"""Learns a score from weekly cuts and tests it on a later one that training never saw (M15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from microconv.aggregates.types import Basis, WeeklyCuts
from microconv.evidence.calibration import Band, score_bands
from microconv.evidence.quantities import Bools
from microconv.evidence.score import (
    Backtest,
    LearnedScore,
    Refusal,
    Snapshots,
    backtest,
    learn_score,
)
from microconv.evidence.templates import SCORES

LEAST_TEST_CONVERSIONS = 10


@dataclass(frozen=True)
class Trial:
    """A learned score and its test.

    Args:
        learned: Points and half-life.
        result: Learned against present points on the last cut.
        manual_bands: What followed the present points.
        train_cuts: How many cuts were learned from.
        train_until: The last of them.
        test_cut: The cut of the test: one, so that no visitor counts twice.
        visitors: Visitors at that cut.
        converted: Those of them that converted within the horizon.
    """

    learned: LearnedScore
    result: Backtest
    manual_bands: tuple[Band, ...]
    train_cuts: int
    train_until: date
    test_cut: date
    visitors: float
    converted: float


def try_score(cuts: WeeklyCuts, basis: Basis) -> Trial | Refusal:
    """Learn from the cuts that lie a whole horizon before the last one, and test on that.

    A training visitor's outcome ends before the test cut (embargo), so that the test knows nothing
    that was not known on its day.
    """
    if not len(cuts.cut):
        return _refused("no_test", basis)
    test_cut = int(cuts.cut.max())
    is_train: Bools = cuts.cut + basis.horizon_days <= test_cut
    if not is_train.any():
        return _refused("no_test", basis)
    train, test = cuts.where(is_train), cuts.where(cuts.cut == test_cut)
    converted = float(test.converted.sum())
    if converted < LEAST_TEST_CONVERSIONS or converted >= test.subjects.sum():
        return Refusal(
            (
                SCORES["few_test"].format(
                    converted=f"{converted:,.0f}", least=LEAST_TEST_CONVERSIONS
                ),
            )
        )
    learned = learn_score(_snapshots(train))
    if isinstance(learned, Refusal):
        return learned
    return Trial(
        learned=learned,
        result=backtest(learned, _snapshots(test), test.manual_score),
        manual_bands=score_bands(test.manual_score, test.subjects, test.converted),
        train_cuts=len(np.unique(train.cut)),
        train_until=date.fromordinal(int(train.cut.max())),
        test_cut=date.fromordinal(test_cut),
        visitors=float(test.subjects.sum()),
        converted=converted,
    )


def _snapshots(cuts: WeeklyCuts) -> Snapshots:
    return Snapshots(cuts.names, cuts.age_days, cuts.subjects, cuts.converted)


def _refused(key: str, basis: Basis) -> Refusal:
    return Refusal((SCORES[key].format(days=f"{basis.horizon_days:g}"),))
