"""Which micro-conversions predict the macro: pure functions over small counts, typed results.

The warehouse counts, this package infers; it never connects, reads or prints. Every result that is
a number comes with its interval (`Estimate`), NaN means that the data do not define it, and nothing
here is random unless a seed is given.
"""

from microconv.evidence.calibration import (
    Band,
    Calibration,
    brier,
    calibrate,
    log_loss,
    score_bands,
    spiegelhalter_z,
)
from microconv.evidence.exact import ExactTest, fisher_exact, needs_exact
from microconv.evidence.jackknife import (
    jackknife_estimate,
    jackknife_ratio,
    jackknife_standard_error,
)
from microconv.evidence.joint import (
    JointEffect,
    JointModel,
    StagedEffect,
    fit_joint,
    log_likelihood_shares,
    stage_ordered_effects,
    standardized_risk_ratio,
    variance_inflation,
)
from microconv.evidence.lags import LAG_EDGES_DAYS, Lag, LagProfile, lag_profile
from microconv.evidence.landmark import (
    Landmark,
    Reliability,
    information_value,
    phi,
    precision,
    recall,
    reliability,
)
from microconv.evidence.logistic import Fit, GroupedRows, SingularDesignError, fit_logistic
from microconv.evidence.matched import (
    MatchedLift,
    MatchedValue,
    Trials,
    holds_out_of_time,
    is_bot_sensitive,
    matched_lift,
    matched_lift_by_segment,
    matched_value,
)
from microconv.evidence.multiplicity import (
    Dose,
    DoseTable,
    EValue,
    Trend,
    benjamini_hochberg,
    cochran_armitage,
    dose_table,
    e_value,
)
from microconv.evidence.naive import NaiveCounts, NaiveLift, naive_lift, posthog_odds_ratio
from microconv.evidence.outage import Outage, find_outage, silent_days
from microconv.evidence.patterns import PatternTable, choose_joint_set
from microconv.evidence.proportions import agresti_caffo, newcombe, wilson, wilson_limits
from microconv.evidence.quantities import Estimate
from microconv.evidence.ranking import (
    Auc,
    AucDifference,
    TopOfList,
    auc,
    average_precision,
    compare_auc,
    top_of_list,
)
from microconv.evidence.ratios import (
    katz_risk_ratio,
    koopman_risk_ratio,
    mover_risk_ratio,
    woolf_odds_ratio,
)
from microconv.evidence.refusal import Refusal
from microconv.evidence.score import (
    Backtest,
    LearnedScore,
    Snapshots,
    backtest,
    learn_score,
)
from microconv.evidence.segments import (
    Homogeneity,
    SegmentProfile,
    breslow_day,
    profile_segments,
    strongest_factor,
    woolf_homogeneity,
)
from microconv.evidence.shapley import ShapleyShares, shapley_shares
from microconv.evidence.stratified import (
    MantelHaenszel,
    Tables,
    cochran_mantel_haenszel,
    mantel_haenszel,
)
from microconv.evidence.survival import LogRank, SurvivalCurve, Times, kaplan_meier, log_rank
from microconv.evidence.templates import LIMITS
from microconv.evidence.value import (
    GrossValue,
    RevenueMoments,
    gross_value,
    key_event_value,
    mean_revenue,
    opportunity,
)
from microconv.evidence.verdict import Evidence, Judgement, Reason, Verdict, judge
from microconv.evidence.wording import Wording, hidden_factor, sentences

__all__ = [
    "LAG_EDGES_DAYS",
    "LIMITS",
    "Auc",
    "AucDifference",
    "Backtest",
    "Band",
    "Calibration",
    "Dose",
    "DoseTable",
    "EValue",
    "Estimate",
    "Evidence",
    "ExactTest",
    "Fit",
    "GrossValue",
    "GroupedRows",
    "Homogeneity",
    "JointEffect",
    "JointModel",
    "Judgement",
    "Lag",
    "LagProfile",
    "Landmark",
    "LearnedScore",
    "LogRank",
    "MantelHaenszel",
    "MatchedLift",
    "MatchedValue",
    "NaiveCounts",
    "NaiveLift",
    "Outage",
    "PatternTable",
    "Reason",
    "Refusal",
    "Reliability",
    "RevenueMoments",
    "SegmentProfile",
    "ShapleyShares",
    "SingularDesignError",
    "Snapshots",
    "StagedEffect",
    "SurvivalCurve",
    "Tables",
    "Times",
    "TopOfList",
    "Trend",
    "Trials",
    "Verdict",
    "Wording",
    "agresti_caffo",
    "auc",
    "average_precision",
    "backtest",
    "benjamini_hochberg",
    "breslow_day",
    "brier",
    "calibrate",
    "choose_joint_set",
    "cochran_armitage",
    "cochran_mantel_haenszel",
    "compare_auc",
    "dose_table",
    "e_value",
    "find_outage",
    "fisher_exact",
    "fit_joint",
    "fit_logistic",
    "gross_value",
    "hidden_factor",
    "holds_out_of_time",
    "information_value",
    "is_bot_sensitive",
    "jackknife_estimate",
    "jackknife_ratio",
    "jackknife_standard_error",
    "judge",
    "kaplan_meier",
    "katz_risk_ratio",
    "key_event_value",
    "koopman_risk_ratio",
    "lag_profile",
    "learn_score",
    "log_likelihood_shares",
    "log_loss",
    "log_rank",
    "mantel_haenszel",
    "matched_lift",
    "matched_lift_by_segment",
    "matched_value",
    "mean_revenue",
    "mover_risk_ratio",
    "naive_lift",
    "needs_exact",
    "newcombe",
    "opportunity",
    "phi",
    "posthog_odds_ratio",
    "precision",
    "profile_segments",
    "recall",
    "reliability",
    "score_bands",
    "sentences",
    "shapley_shares",
    "silent_days",
    "spiegelhalter_z",
    "stage_ordered_effects",
    "standardized_risk_ratio",
    "strongest_factor",
    "top_of_list",
    "variance_inflation",
    "wilson",
    "wilson_limits",
    "woolf_homogeneity",
    "woolf_odds_ratio",
]
