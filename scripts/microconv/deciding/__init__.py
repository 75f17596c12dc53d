"""Which metric an experiment may use, how long it takes, and what past experiments say of it.

Pure functions over counts, like `microconv.evidence`, whose intervals and verdicts they use.
"""

from microconv.deciding.experiments import (
    Arm,
    Experiment,
    Lifts,
    Peeking,
    SampleRatio,
    Unusable,
    log_lifts,
    peeking,
    sample_ratio,
    sample_ratio_of,
)
from microconv.deciding.explained import ExplainedShare, explained_share
from microconv.deciding.power import (
    SampleSize,
    false_alarm_rate,
    limit_for_looks,
    per_arm,
    power_of,
    sample_size,
    smallest_lift,
)
from microconv.deciding.proxy import (
    Candidate,
    Guardrail,
    Plan,
    Recommendation,
    Status,
    break_even_correlation,
    guardrail,
    recommend,
    reliability,
)
from microconv.deciding.true_effects import TrueEffects, correlation_interval, fit_true_effects
from microconv.deciding.validation import Validation, Validity, validate
from microconv.deciding.wording import (
    guardrail_sentence,
    peeking_sentence,
    recommendation_sentences,
    sample_ratio_sentence,
    sample_size_sentence,
    validation_sentence,
)

__all__ = [
    "Arm",
    "Candidate",
    "Experiment",
    "ExplainedShare",
    "Guardrail",
    "Lifts",
    "Peeking",
    "Plan",
    "Recommendation",
    "SampleRatio",
    "SampleSize",
    "Status",
    "TrueEffects",
    "Unusable",
    "Validation",
    "Validity",
    "break_even_correlation",
    "correlation_interval",
    "explained_share",
    "false_alarm_rate",
    "fit_true_effects",
    "guardrail",
    "guardrail_sentence",
    "limit_for_looks",
    "log_lifts",
    "peeking",
    "peeking_sentence",
    "per_arm",
    "power_of",
    "recommend",
    "recommendation_sentences",
    "reliability",
    "sample_ratio",
    "sample_ratio_of",
    "sample_ratio_sentence",
    "sample_size",
    "sample_size_sentence",
    "smallest_lift",
    "validate",
    "validation_sentence",
]
