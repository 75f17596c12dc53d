"""Everything that is measured of one micro-conversion for one macro, from its aggregates alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from microconv.aggregates.types import (
    DONE_HERE,
    NOT_YET,
    STATES,
    DecisionPoints,
    Landmarks,
    Reach,
)
from microconv.evidence.lags import LagProfile, lag_profile
from microconv.evidence.landmark import (
    LEAST_LANDMARK_COVERAGE,
    Landmark,
    Reliability,
    precision,
    recall,
    reliability,
)
from microconv.evidence.logistic import SingularDesignError
from microconv.evidence.matched import (
    MatchedLift,
    MatchedValue,
    Trials,
    matched_lift,
    matched_value,
)
from microconv.evidence.naive import NaiveCounts, NaiveLift, naive_lift, posthog_odds_ratio
from microconv.evidence.outage import NO_OUTAGE, Outage
from microconv.evidence.quantities import Bools, Estimate, ratio, sums_by
from microconv.evidence.segments import SegmentProfile, profile_segments
from microconv.evidence.stratified import MantelHaenszel, Tables, mantel_haenszel

LEAST_IN_SESSION_SHARE = 0.8
"""Below this share of occurrences next to a clock step, it does not happen on a page."""

LARGEST_SAME_STEP_SHARE = 0.2
"""Above this share of macros on the very step of the first micro, the clock is too coarse."""


@dataclass(frozen=True)
class Segment:
    """One value of a dimension."""

    dimension: str
    name: str
    step: MantelHaenszel


@dataclass(frozen=True)
class Measures:
    """What was measured of one micro-conversion for one macro.

    Args:
        reach: Counts by visitor.
        naive: Did it against did not, at any time (M4).
        posthog: The odds ratio of PostHog's funnel correlation.
        matched: Matched lift (M1); None off-session, where it must not be used.
        value: Revenue after it, against comparable visitors (M11); None off-session.
        step: Next-step odds ratio (M2).
        headline_with_bots: The ratio that speaks, with suspected robots let in.
        headline_of_last_third: The same of the last third of the window.
        lags: Odds ratio by time since it was done (M7); None where strata determine it.
        profiles: Per dimension, does it mean the same in every segment (M6).
        segments: The values of all dimensions.
        reliability: Landmark measures (M8); None without anybody at the landmark.
        precision: Share of first micro-conversions that the macro follows.
        recall: Share of first macros that it came before, of those on days on which it was tracked.
        outage: Days on which it was hardly counted.
    """

    reach: Reach
    naive: NaiveLift
    posthog: float
    matched: MatchedLift | None
    value: MatchedValue | None
    step: MantelHaenszel
    headline_with_bots: Estimate
    headline_of_last_third: Estimate
    lags: LagProfile | None
    profiles: Mapping[str, SegmentProfile]
    segments: tuple[Segment, ...]
    reliability: Reliability | None
    precision: Estimate
    recall: Estimate
    outage: Outage = NO_OUTAGE

    @property
    def is_in_session(self) -> bool:
        """Whether it happens on a page."""
        return is_in_session(self.reach)

    @property
    def headline(self) -> Estimate:
        """The ratio that speaks: matched lift, or off-session the next-step odds ratio."""
        return self.step.odds_ratio if self.matched is None else self.matched.lift

    @property
    def same_step_share(self) -> float:
        """Share of first macros on the very step of the first micro-conversion."""
        return ratio(self.reach.same_step_macro_count, self.reach.first_macro_count)


def is_in_session(reach: Reach) -> bool:
    """Whether enough occurrences lie next to a clock step; True without any."""
    share = ratio(reach.in_session_occurrence_count, reach.occurrence_count)
    return math.isnan(share) or share >= LEAST_IN_SESSION_SHARE


def measure(
    points: DecisionPoints,
    reach: Reach,
    landmarks: Landmarks,
    bit: int,
    outage: Outage = NO_OUTAGE,
) -> Measures:
    """Measure one micro-conversion.

    Args:
        points: Its decision points, robots and all.
        reach: Its counts by visitor, without robots.
        landmarks: Visitors at the landmark by pattern.
        bit: Its place in these patterns; -1 for a placebo, which is in none.
        outage: Days on which it was hardly counted.
    """
    people = points.where(~points.is_bot)
    trials = trials_of(people)
    on_page = is_in_session(reach)
    profiles, segments = _profiles(people)
    return Measures(
        reach=reach,
        naive=naive_lift(_naive_counts(reach)),
        posthog=posthog_odds_ratio(
            reach.posthog_success_with_count,
            reach.posthog_failure_with_count,
            reach.converted_subject_count,
            reach.subject_count - reach.converted_subject_count,
        ),
        matched=matched_lift(trials) if on_page else None,
        value=matched_value(trials) if on_page else None,
        step=mantel_haenszel(step_tables(people)),
        headline_with_bots=_headline(points, on_page),
        headline_of_last_third=_headline(people.where(people.is_last_third), on_page),
        lags=_lags(people),
        profiles=profiles,
        segments=segments,
        reliability=_reliability(landmarks, bit, reach),
        precision=precision(reach.first_micro_converted_count, reach.first_micro_count),
        recall=recall(reach.tracked_preceded_count, reach.tracked_macro_count),
        outage=outage,
    )


def trials_of(points: DecisionPoints) -> Trials:
    """First times against decision points where it is not done yet (M1, M11)."""
    arms = np.isin(points.state, (STATES.index(DONE_HERE), STATES.index(NOT_YET)))
    kept = points.where(arms & (points.followed > 0))
    return Trials.from_columns(
        kept.stratum,
        kept.bucket,
        kept.state == STATES.index(DONE_HERE),
        kept.followed,
        kept.followed_converted,
        kept.followed_revenue,
    )


def step_tables(points: DecisionPoints) -> Tables:
    """Done before the step against not done before it, a table per stratum (M2)."""
    return Tables.from_rows(points.stratum, _is_done(points), points.steps, points.next_converted)


def _is_done(points: DecisionPoints) -> Bools:
    return ~np.isin(points.state, (STATES.index(DONE_HERE), STATES.index(NOT_YET)))


def _headline(points: DecisionPoints, on_page: bool) -> Estimate:
    if on_page:
        return matched_lift(trials_of(points)).lift
    return mantel_haenszel(step_tables(points)).odds_ratio


def _naive_counts(reach: Reach) -> NaiveCounts:
    return NaiveCounts(
        reach.with_subject_count,
        reach.with_converted_count,
        reach.subject_count - reach.with_subject_count,
        reach.converted_subject_count - reach.with_converted_count,
    )


def _lags(points: DecisionPoints) -> LagProfile | None:
    lag = np.maximum(points.state - STATES.index(DONE_HERE), 0)
    bins = len(STATES) - 1
    keys, place = np.unique(points.stratum * bins + lag, return_inverse=True)
    try:
        return lag_profile(
            keys % bins,
            points.strata.codes[keys // bins],
            sums_by(place, points.steps, len(keys)),
            sums_by(place, points.next_converted, len(keys)),
        )
    except SingularDesignError:
        return None


def _profiles(
    points: DecisionPoints,
) -> tuple[dict[str, SegmentProfile], tuple[Segment, ...]]:
    tables, strata = step_tables(points), points.strata
    seen = len(tables.size)  # a table per stratum up to the last that has a row
    profiles, segments = {}, []
    for dimension in strata.dimensions if seen else ():
        profile = profile_segments(tables, strata.factor(dimension)[:seen])
        profiles[dimension] = profile
        segments += [
            Segment(dimension, strata.labels[dimension][code], step)
            for code, step in enumerate(profile.by_segment)
        ]
    return profiles, tuple(segments)


def _reliability(landmarks: Landmarks, bit: int, reach: Reach) -> Reliability | None:
    if bit < 0 or not landmarks.subjects.sum() > 0:
        return None
    did = (landmarks.mask >> bit) & 1 == 1
    found = reliability(
        Landmark(
            *_split(landmarks, did),
            *_split(landmarks, ~did),
            first_macros=reach.first_macro_count,
        )
    )
    # Counted over all first macros: those at the landmark are only those with complete follow-up.
    coverage = ratio(reach.landmark_macro_count, reach.first_macro_count)
    return replace(found, coverage=coverage, is_late_only=coverage < LEAST_LANDMARK_COVERAGE)


def _split(landmarks: Landmarks, mask: Bools) -> tuple[float, float]:
    converted = float(landmarks.converted[mask].sum())
    return converted, float(landmarks.subjects[mask].sum()) - converted
