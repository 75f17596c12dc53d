"""A learned score as rows."""

from __future__ import annotations

from collections.abc import Mapping

from microconv.aggregates.types import Basis, Conversion
from microconv.correlate.columns import ORIGIN, estimates, of_kind
from microconv.correlate.rows import estimate_columns, origin_of
from microconv.correlate.words import label_of
from microconv.score.learn import Trial
from microconv.writing import Row

MODELS = {
    **of_kind("text", "macro_name", "micro_name", "micro_label"),
    **of_kind("number", "present_points", "learned_points", "coefficient", "half_life_days"),
    "left_out_reason": "text",
    "is_learned_better": "truth",
    **estimates("learned_auc", "present_auc", "auc_difference"),
    **of_kind("number", "learned_lift_of_top_tenth", "learned_capture_of_top_tenth"),
    **of_kind("number", "present_lift_of_top_tenth", "present_capture_of_top_tenth"),
    **estimates("calibration_slope", "calibration_intercept"),
    "brier_skill": "number",
    "train_until": "date",
    "test_cut_date": "date",
    **of_kind("integer", "test_subject_count", "test_converted_count"),
    **ORIGIN,
}

BANDS = {
    **of_kind("text", "macro_name", "score_kind"),
    "band_number": "integer",
    **of_kind("number", "score_from", "score_to"),
    **of_kind("integer", "subject_count", "converted_count"),
    **estimates("conversion_rate"),
    "mean_predicted_rate": "number",
    **ORIGIN,
}

TABLES = {"evidence_score_models": MODELS, "evidence_score_bands": BANDS}


def model_rows(
    trial: Trial,
    basis: Basis,
    conversions: Mapping[str, Conversion],
    present: Mapping[str, float],
    run: str,
) -> list[Row]:
    """A row per micro-conversion; what is of the whole score stands in each."""
    learned, result = trial.learned, trial.result
    whole: Row = {
        "half_life_days": learned.half_life_days,
        "is_learned_better": result.is_learned_better,
        **estimate_columns("learned_auc", result.auc.first.area),
        **estimate_columns("present_auc", result.auc.second.area),
        **estimate_columns("auc_difference", result.auc.difference),
        "learned_lift_of_top_tenth": result.top.lift,
        "learned_capture_of_top_tenth": result.top.capture,
        "present_lift_of_top_tenth": result.manual_top.lift,
        "present_capture_of_top_tenth": result.manual_top.capture,
        **estimate_columns("calibration_slope", result.calibration.slope),
        **estimate_columns("calibration_intercept", result.calibration.intercept),
        "brier_skill": result.calibration.brier_skill,
        "train_until": trial.train_until,
        "test_cut_date": trial.test_cut,
        "test_subject_count": round(trial.visitors),
        "test_converted_count": round(trial.converted),
    }
    parts = zip(learned.names, learned.points, learned.coefficients, strict=True)
    return [
        {
            "macro_name": basis.macro_name,
            "micro_name": name,
            "micro_label": label_of(name, conversions),
            "present_points": present.get(name, 0.0),
            "learned_points": points,
            "coefficient": coefficient,
            "left_out_reason": learned.left_out.get(name, ""),
            **whole,
            **origin_of(basis, run),
        }
        for name, points, coefficient in parts
    ]


def band_rows(trial: Trial, basis: Basis, run: str) -> list[Row]:
    """A row per band of the learned and of the present score."""
    return [
        {
            "macro_name": basis.macro_name,
            "score_kind": kind,
            "band_number": number,
            "score_from": band.low_score,
            "score_to": band.high_score,
            "subject_count": round(band.visitors),
            "converted_count": round(band.converted),
            **estimate_columns("conversion_rate", band.rate),
            "mean_predicted_rate": band.mean_predicted,
            **origin_of(basis, run),
        }
        for kind, bands in (("learned", trial.result.bands), ("present", trial.manual_bands))
        for number, band in enumerate(bands, start=1)
    ]
