"""What moved, where, and whether it is visitors or tracking: pure functions over daily counts.

The warehouse counts by day, step and segment, this package says what may be said of it; it never
connects or reads, and nothing here is random. Where the data allow no answer there is a `Refusal`
or a standing in words, never a number that only looks like one.
"""

from microconv.watching.alerts import (
    Direction,
    Finding,
    Rule,
    Standing,
    Watch,
    firing_days,
    smallest_detectable_drop,
    watch,
)
from microconv.watching.cohorts import (
    BehaviourComparison,
    Cohort,
    CohortRate,
    Outcomes,
    cohort_table,
    compare_behaviours,
    mean_with_t,
    welch,
)
from microconv.watching.decomposition import (
    MixAndRate,
    SegmentCounts,
    log_mean,
    mix_and_rate,
    product_contributions,
    shapley_contributions,
)
from microconv.watching.diagnosis import (
    Diagnosis,
    DimensionPart,
    Part,
    SegmentPart,
    Step,
    VolumeAndRate,
    diagnose,
    funnel_parts,
    volume_and_rate,
)
from microconv.watching.forecast import ForecastGain, Granger, forecast_gain, granger
from microconv.watching.guards import (
    GuardPair,
    GuardVerdict,
    guard_pair,
    mean_change,
    rate_change,
)
from microconv.watching.lead_lag import (
    CrossCorrelation,
    LagVerdict,
    LeadLag,
    cross_correlation,
    lead_lag,
)
from microconv.watching.lead_lag_series import Prepared, prepare, standardised
from microconv.watching.outages import Kind, Suspicion, Tracked, find_suspicions, suspect_days
from microconv.watching.scores import Scores, score_days, signed_root, smooth
from microconv.watching.series import DailyRate
from microconv.watching.wording import (
    alert_sentences,
    diagnosis_sentence,
    guard_sentence,
    lead_sentence,
    outage_sentence,
)

__all__ = [
    "BehaviourComparison",
    "Cohort",
    "CohortRate",
    "CrossCorrelation",
    "DailyRate",
    "Diagnosis",
    "DimensionPart",
    "Direction",
    "Finding",
    "ForecastGain",
    "Granger",
    "GuardPair",
    "GuardVerdict",
    "Kind",
    "LagVerdict",
    "LeadLag",
    "MixAndRate",
    "Outcomes",
    "Part",
    "Prepared",
    "Rule",
    "Scores",
    "SegmentCounts",
    "SegmentPart",
    "Standing",
    "Step",
    "Suspicion",
    "Tracked",
    "VolumeAndRate",
    "Watch",
    "alert_sentences",
    "cohort_table",
    "compare_behaviours",
    "cross_correlation",
    "diagnose",
    "diagnosis_sentence",
    "find_suspicions",
    "firing_days",
    "forecast_gain",
    "funnel_parts",
    "granger",
    "guard_pair",
    "guard_sentence",
    "lead_lag",
    "lead_sentence",
    "log_mean",
    "mean_change",
    "mean_with_t",
    "mix_and_rate",
    "outage_sentence",
    "prepare",
    "product_contributions",
    "rate_change",
    "score_days",
    "shapley_contributions",
    "signed_root",
    "smallest_detectable_drop",
    "smooth",
    "standardised",
    "suspect_days",
    "volume_and_rate",
    "watch",
    "welch",
]
