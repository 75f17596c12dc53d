"""Prints a learned score for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from microconv import output
from microconv.aggregates.types import Conversion
from microconv.correlate.show import show_limits
from microconv.correlate.words import label_of
from microconv.evidence.quantities import Estimate
from microconv.evidence.templates import HEADINGS, SCORES
from microconv.evidence.wording import multiple
from microconv.score.learn import Trial

if TYPE_CHECKING:
    from microconv.score.command import Outcome


def show(found: Outcome, conversions: Mapping[str, Conversion]) -> None:
    """Print points, back-test, calibration and the proposal, or why there is none."""
    if found.trial is None or found.proposal is None or found.basis is None:
        output.say_sentence(found.refusal)
        return
    macro = label_of(found.basis.macro_name, conversions)
    trial = found.trial
    _points(trial, found.present, macro, conversions)
    _backtest(trial, f"“{macro}”", found.basis.horizon_days)
    _bands(trial)
    if trial.result.is_learned_better:
        output.say(HEADINGS["diff"])
        for line in found.proposal.difference:
            output.say(line)
        output.say()
        output.say_sentence(SCORES["propose"])
        output.say()
    show_limits()


def comparison(trial: Trial) -> str:
    """Learned against present points in a sentence."""
    auc = trial.result.auc
    return SCORES["better" if trial.result.is_learned_better else "not_better"].format(
        learned=_three(auc.first.area),
        manual=_three(auc.second.area),
        difference=_three(auc.difference),
    )


def _points(
    trial: Trial,
    present: Mapping[str, float],
    macro: str,
    conversions: Mapping[str, Conversion],
) -> None:
    learned = trial.learned
    rows = [
        [
            label_of(name, conversions),
            learned.left_out.get(name, ""),
            f"{present.get(name, 0.0):g}",
            str(points),
            "–" if math.isnan(coefficient) else f"{coefficient:+.2f}",
        ]
        for name, points, coefficient in sorted(
            zip(learned.names, learned.points, learned.coefficients, strict=True),
            key=lambda one: (-one[1], one[0]),
        )
    ]
    headings = ["Micro-conversion", "Left out because", "Now", "Learned", "Log odds"]
    output.print_table(HEADINGS["score"].format(macro=macro), headings, rows, left_columns=2)
    halves = learned.half_life_days
    fading = "do not fade" if math.isinf(halves) else f"halve in {halves:g} days"
    output.say_sentence(f"Learned points {fading} after the last time.")
    output.say()


def _backtest(trial: Trial, macro: str, horizon_days: float) -> None:
    result = trial.result
    output.say_sentence(
        SCORES["cuts"].format(
            train=trial.train_cuts,
            train_until=trial.train_until,
            test=trial.test_cut,
            visitors=output.count(trial.visitors),
            converted=output.count(trial.converted),
            macro=macro,
            days=f"{horizon_days:g}",
        )
    )
    output.say_sentence(comparison(trial))
    output.say_sentence(
        SCORES["top"].format(
            macro=macro,
            lift=output.times(result.top.lift),
            capture=output.percentage(result.top.capture),
            manual_lift=output.times(result.manual_top.lift),
            manual_capture=output.percentage(result.manual_top.capture),
        )
    )
    output.say_sentence(
        SCORES["calibration"].format(
            slope=multiple(result.calibration.slope).replace("×", ""),
            intercept=_three(result.calibration.intercept),
            skill=_skill(result.calibration.brier_skill),
        )
    )
    output.say()


def _skill(share: float) -> str:
    return f"{output.percentage(abs(share))} {'worse' if share < 0 else 'better'}"


def _bands(trial: Trial) -> None:
    rows = [
        [
            f"{band.low_score:.1f} to {band.high_score:.1f}",
            output.count(band.visitors),
            output.count(band.converted),
            output.interval(band.rate.value, band.rate.low, band.rate.high),
            output.percentage(band.mean_predicted),
        ]
        for band in trial.result.bands
    ]
    headings = ["Learned score", "Visitors", "Converted", "Rate", "Predicted"]
    output.print_table(HEADINGS["bands"], headings, rows)


def _three(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return "–"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
