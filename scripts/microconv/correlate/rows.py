"""Findings as flat rows: the same for CSV, JSON and the tables that are written back."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple

from microconv.aggregates.types import Basis, Conversion
from microconv.correlate.columns import JOINT, ORIGIN
from microconv.correlate.family import Finding, MacroEvidence
from microconv.correlate.words import label_of, wording_of
from microconv.evidence.multiplicity import e_value
from microconv.evidence.quantities import UNDEFINED, Estimate
from microconv.evidence.verdict import Verdict
from microconv.evidence.wording import hidden_factor, sentences
from microconv.writing import Row, Table

_GATE_NUMBERS = (
    *("precision", "precision_low", "precision_high", "recall", "recall_low", "recall_high"),
    "same_step_share",
)
_TOLD: Mapping[Verdict, tuple[str, ...]] = {
    Verdict.GATE: _GATE_NUMBERS,
    Verdict.POST_MACRO_ONLY: (),
    Verdict.INSUFFICIENT: (),
}
_LAGS = ("under_1d", "1_3d", "3_7d", "over_7d")


def run_id(bases: Sequence[Basis]) -> str:
    """A name of the run that is the same whenever the same is run on the same data."""
    rests_on = repr([astuple(basis) for basis in bases])
    return hashlib.sha256(rests_on.encode()).hexdigest()[:12]


def tables_of(
    found: Sequence[MacroEvidence], conversions: Mapping[str, Conversion]
) -> tuple[Table, ...]:
    """The tables that a run writes."""
    run = run_id([one.basis for one in found])
    return (
        Table("evidence_micro_conversions", _all(found, run, conversions, micro_rows)),
        Table("evidence_segments", _all(found, run, conversions, segment_rows)),
        Table("evidence_checks", _all(found, run, conversions, check_rows)),
        Table("evidence_joint", _all(found, run, conversions, joint_rows)),
    )


def _all(
    found: Sequence[MacroEvidence],
    run: str,
    conversions: Mapping[str, Conversion],
    rows_of: Callable[[MacroEvidence, Mapping[str, Conversion]], list[Row]],
) -> tuple[Row, ...]:
    return tuple(
        {**row, **origin_of(one.basis, run)} for one in found for row in rows_of(one, conversions)
    )


def origin_of(basis: Basis, run: str) -> Row:
    """What a row rests on."""
    return {
        "horizon_days": basis.horizon_days,
        "as_of_date": basis.as_of_date,
        "definitions_version": basis.definitions_version,
        "run_id": run,
    }


def micro_rows(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> list[Row]:
    """A row per micro-conversion, the best first."""
    rows = []
    for place, one in enumerate(found.findings, start=1):
        row: Row = {
            "macro_name": found.basis.macro_name,
            "micro_name": one.micro_name,
            "micro_label": label_of(one.micro_name, conversions),
            "evidence_rank": place,
            **_verdict(one, found.basis, conversions),
        }
        numbers = {
            **_usual(one),
            **_like_for_like(one),
            **_reliability(one),
            **_stability(one),
        }
        # Whoever reads the table must not find a lift that the verdict says means nothing.
        told = _TOLD.get(one.judgement.verdict)
        row |= {
            name: value if told is None or name in told else None for name, value in numbers.items()
        }
        rows.append(row)
    return rows


def segment_rows(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> list[Row]:
    """A row per micro-conversion and segment: the next-step odds ratio inside the segment."""
    return [
        {
            "macro_name": found.basis.macro_name,
            "micro_name": one.micro_name,
            "segment_dimension": segment.dimension,
            "segment_value": segment.name,
            **estimate_columns("step_odds_ratio", segment.step.odds_ratio),
            "heterogeneity_q_value": one.heterogeneity_q.get(segment.dimension, math.nan),
        }
        for one in found.findings
        if one.judgement.verdict not in _TOLD
        for segment in sorted(one.measures.segments, key=lambda it: (it.dimension, it.name))
        if segment.step.informative_strata
    ]


def check_rows(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> list[Row]:
    """A row per check."""
    return [
        {
            "macro_name": found.basis.macro_name,
            "check_name": check.name,
            "status": str(check.status),
            "value": check.value,
            "limit_value": check.limit,
            "micro_names": ", ".join(check.micros),
            "sentence": check.sentence,
        }
        for check in found.checks
    ]


def joint_rows(found: MacroEvidence, conversions: Mapping[str, Conversion]) -> list[Row]:
    """A row per micro-conversion of the joint model, and one per each that was left out of it."""
    if found.joint is None:
        return []
    macro = found.basis.macro_name
    rows: list[Row] = []
    for place, effect in enumerate(found.joint.model.effects if found.joint.model else ()):
        staged = found.joint.staged[place]
        rows.append(
            {
                "macro_name": macro,
                "micro_name": effect.name,
                "is_in_model": True,
                "left_out_reason": "",
                **estimate_columns("odds_ratio", effect.odds_ratio),
                "p_value": effect.p_value,
                **estimate_columns("risk_ratio", effect.risk_ratio),
                "shapley_share": effect.shapley_share,
                "shapley_share_error": effect.shapley_error,
                "mcfadden_delta": effect.mcfadden_delta,
                "variance_inflation": effect.vif,
                "is_collinear": effect.is_collinear,
                **estimate_columns("staged_odds_ratio", staged.odds_ratio),
                "staged_adjusted_for": ", ".join(staged.adjusted_for),
            }
        )
    empty: Row = dict.fromkeys(column for column in JOINT if column not in ORIGIN)
    for name, reason in sorted(found.joint.left_out.items()):
        named: Row = {"macro_name": macro, "micro_name": name, "is_in_model": False}
        rows.append({**empty, **named, "left_out_reason": reason})
    return rows


def _verdict(one: Finding, basis: Basis, conversions: Mapping[str, Conversion]) -> Row:
    wording = wording_of(one.micro_name, basis, conversions)
    judgement, evidence = one.judgement, one.evidence
    return {
        "verdict": str(judgement.verdict),
        "reasons": "; ".join(judgement.reasons),
        "caveats": "; ".join(judgement.caveats),
        "sentence": " ".join(sentences(evidence, judgement, wording)),
        "hidden_factor_sentence": hidden_factor(evidence, wording)
        if judgement.verdict not in _TOLD
        else None,
        "exposed_count": round(evidence.exposed),
        "exposed_converted_count": round(evidence.exposed_converted),
        "is_in_session": evidence.is_in_session,
        "silent_day_count": evidence.outage.silent_days,
        "missing_share": evidence.outage.missing_share,
    }


def _usual(one: Finding) -> Row:
    naive = one.measures.naive
    return {
        **estimate_columns("with_rate", naive.with_rate),
        **estimate_columns("without_rate", naive.without_rate),
        **estimate_columns("naive_lift", naive.lift),
        "posthog_odds_ratio": one.measures.posthog,
    }


def _like_for_like(one: Finding) -> Row:
    matched, step = one.measures.matched, one.measures.step
    return {
        "matched_treated_rate": matched.treated_rate if matched else math.nan,
        "matched_control_rate": matched.control_rate if matched else math.nan,
        **estimate_columns("matched_lift", matched.lift if matched else UNDEFINED),
        "matched_overlap": matched.overlap if matched else math.nan,
        **estimate_columns("step_odds_ratio", step.odds_ratio),
        "step_p_value": step.p_value,
        "step_q_value": one.evidence.step_q,
    }


def _reliability(one: Finding) -> Row:
    measures, found = one.measures, one.measures.reliability
    row: Row = {
        **estimate_columns("precision", measures.precision),
        **estimate_columns("recall", measures.recall),
        **estimate_columns("npv", found.npv if found else UNDEFINED),
        **estimate_columns("specificity", found.specificity if found else UNDEFINED),
        "phi": found.phi if found else math.nan,
        "auc": found.auc if found else math.nan,
        "information_value": found.information_value if found else math.nan,
        "landmark_coverage": found.coverage if found else math.nan,
        "is_late_only": found.is_late_only if found else None,
    }
    lags = measures.lags.lags if measures.lags else ()
    by_edge = {lag.from_days: lag.odds_ratio for lag in lags}
    for edge, name in zip((0.0, 1.0, 3.0, 7.0), _LAGS, strict=True):
        row |= estimate_columns(f"lag_{name}_odds_ratio", by_edge.get(edge, UNDEFINED))
    row["effect_onset_days"] = measures.lags.effect_onset_days if measures.lags else None
    return row


def _stability(one: Finding) -> Row:
    measures, evidence = one.measures, one.evidence
    known = {name: q for name, q in one.heterogeneity_q.items() if not math.isnan(q)}
    worst = min(known, key=lambda name: known[name], default=None)
    strengths = e_value(evidence.headline)
    return {
        "heterogeneity_q_value": known[worst] if worst else math.nan,
        "heterogeneity_dimension": worst,
        "is_simpson": evidence.is_simpson,
        "e_value": strengths.point,
        "e_value_limit": strengths.limit,
        "yardstick_name": evidence.yardstick[0] if evidence.yardstick else None,
        "yardstick_odds_ratio": evidence.yardstick[1] if evidence.yardstick else math.nan,
        **estimate_columns("last_third_ratio", measures.headline_of_last_third),
        "holds_out_of_time": evidence.holds_out_of_time,
        "with_bots_ratio": measures.headline_with_bots.value,
        "is_bot_sensitive": evidence.is_bot_sensitive,
        "same_step_share": measures.same_step_share,
    }


def estimate_columns(name: str, estimate: Estimate) -> Row:
    """A number and its limits as columns."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
