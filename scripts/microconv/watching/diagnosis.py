"""What a change of a rate consists of: which step, mix or rate, and in which segment (M17, M18).

It names where the numbers moved, never why: that is for people who know what was released.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import rel_entr

from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.quantities import Floats, ratio, two_sided_p
from microconv.evidence.refusal import Refusal
from microconv.watching.decomposition import (
    MixAndRate,
    SegmentCounts,
    mix_and_rate,
    product_contributions,
)
from microconv.watching.scores import distance
from microconv.watching.units import SHARE

MOSTLY = 0.5
"""A part that is at least this share of the change is what the change mostly is."""

LEAST_Q = 0.05
LEAST_TRIALS = 100
LEAST_Z = 2.0
"""A change that is nearer to chance is not taken apart: its parts would be shares of noise."""


class Part(StrEnum):
    """What a change mostly is."""

    MIX = "mix"
    RATE_OF_SEGMENT = "rate of one segment"
    RATE_EVERYWHERE = "rate everywhere"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class VolumeAndRate:
    """A change of a count of conversions; the two parts sum to it.

    Args:
        change: Later count less earlier count.
        volume: Because there were more or fewer visits.
        rate: Because more or fewer of them converted.
    """

    change: float
    volume: float
    rate: float


@dataclass(frozen=True)
class Step:
    """One step of a funnel and its part in the change of the whole.

    Args:
        name: Of the step.
        rate_before: Share of those at the step before that reached it, in 0..1.
        rate_after: The same in the later period.
        contribution: Its part of the change of the whole rate; all parts sum to that.
        share: `contribution` over the change; NaN if nothing changed.
    """

    name: str
    rate_before: float
    rate_after: float
    contribution: float
    share: float


@dataclass(frozen=True)
class SegmentPart:
    """One segment's part in a change.

    Args:
        dimension: Such as "device".
        value: Such as "mobile".
        trials_before: In the earlier period.
        trials_after: In the later period.
        rate_before: In 0..1; NaN without trials.
        rate_after: In 0..1; NaN without trials.
        mix: Its part of the change by being a larger or smaller share, in 0..1.
        rate: Its part of the change by converting differently, in 0..1.
        z: Distance of its two rates in standard deviations of chance; NaN where too few.
        q_value: Of `z`, among all segments of all dimensions of the diagnosis.
        rest_z: Distance of its change from that of all other segments, the same way.
        rest_q: Of `rest_z`.
        part_before: Its part of all trials of the earlier period, in 0..1.
        part_after: The same of the later period.
    """

    dimension: str
    value: str
    trials_before: float
    trials_after: float
    rate_before: float
    rate_after: float
    mix: float
    rate: float
    z: float
    q_value: float
    rest_z: float
    rest_q: float
    part_before: float
    part_after: float


@dataclass(frozen=True)
class DimensionPart:
    """One dimension's reading of a change. Readings of two dimensions overlap: never add them up.

    Args:
        dimension: Such as "channel_group".
        parts: Mix and rate, exactly.
        segments: Its segments, the largest part first.
    """

    dimension: str
    parts: MixAndRate
    segments: tuple[SegmentPart, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What a change of a rate mostly is.

    Args:
        change: Later rate less earlier rate.
        relative_change: The same over the earlier rate; NaN if that is 0.
        part: What it mostly is.
        dimension: The one that shows it; None where none does.
        segment: The segment that explains it; None where none does, or all moved alike.
        dimensions: Each dimension's reading, the one that shows most first.
        shift: Of a change of mix, the segment of any dimension whose part of the trials changed
            most. Visits that came or went differ in many ways, as those of a campaign that runs on
            mobile only: the mix that explains the rate need not say where they came from.
        unit: Of the rates.
    """

    change: float
    relative_change: float
    part: Part
    dimension: DimensionPart | None
    segment: SegmentPart | None
    dimensions: tuple[DimensionPart, ...]
    shift: SegmentPart | None = None
    unit: str = SHARE


def volume_and_rate(
    trials_before: float, successes_before: float, trials_after: float, successes_after: float
) -> VolumeAndRate | Refusal:
    """The first question of every diagnosis: fewer visits, or fewer of them converting."""
    if not (trials_before > 0 and trials_after > 0):
        return Refusal.because("One of the two periods has no visits.")
    volume, rate = product_contributions(
        [trials_before, successes_before / trials_before],
        [trials_after, successes_after / trials_after],
    ).tolist()
    return VolumeAndRate(successes_after - successes_before, volume, rate)


def funnel_parts(
    names: Sequence[str], before: Sequence[float], after: Sequence[float]
) -> tuple[Step, ...] | Refusal:
    """Which step of a funnel its change came from.

    Args:
        names: Of the steps after the first.
        before: Reached in the earlier period, the first step included: one more than `names`.
        after: The same of the later period.
    """
    for name, counts in (("earlier", before), ("later", after)):
        empty = [place for place, count in enumerate(counts[:-1]) if not count > 0]
        if empty:
            return Refusal.because(
                f"In the {name} period nobody reached step {empty[0] + 1}, so that what comes "
                "after it has no rate."
            )
    old = np.asarray(before[1:], dtype=np.float64) / np.asarray(before[:-1], dtype=np.float64)
    new = np.asarray(after[1:], dtype=np.float64) / np.asarray(after[:-1], dtype=np.float64)
    parts = product_contributions(old, new)
    change = after[-1] / after[0] - before[-1] / before[0]
    return tuple(
        Step(name, float(s0), float(s1), float(part), part / change if change else math.nan)
        for name, s0, s1, part in zip(names, old, new, parts, strict=True)
    )


def diagnose(dimensions: Sequence[SegmentCounts], dispersion: float = 1.0) -> Diagnosis | Refusal:
    """Whether a change is one of mix or of rates, and which segment explains it.

    Args:
        dimensions: The same trials cut by one dimension after another.
        dispersion: How much further than chance the rate swings on ordinary days, as `watch` says.
    """
    if not dimensions:
        return Refusal.because("No dimension was given to look into.")
    sizes = [(one.trials_before.sum(), one.trials_after.sum()) for one in dimensions]
    if not min(min(pair) for pair in sizes) >= LEAST_TRIALS:
        return Refusal.because(f"A period has fewer than {LEAST_TRIALS} trials.")
    read = _read(dimensions, dispersion)
    change = read[0].parts.change
    first = dimensions[0]
    before = float(first.successes_before.sum() / first.trials_before.sum())
    is_clear = abs(_whole_z(first)) / dispersion >= LEAST_Z
    part, chosen, segment = _judged(read) if is_clear else (Part.UNCLEAR, None, None)
    others = [one for one in read if one is not chosen]
    return Diagnosis(
        change=change,
        relative_change=ratio(change, before) if before else math.nan,
        part=part,
        dimension=chosen,
        segment=segment,
        dimensions=(chosen, *others) if chosen else tuple(others),
        shift=_shift(read) if part is Part.MIX else None,
        unit=first.unit,
    )


def _shift(read: Sequence[DimensionPart]) -> SegmentPart:
    """The segment whose part of all trials moved furthest, by its term of the divergence."""

    def moved(one: SegmentPart) -> float:
        before, after = one.part_before, one.part_after
        return float(rel_entr(after, before) - after + before) if before > 0 else after

    return max((one for part in read for one in part.segments), key=moved)


def _judged(
    read: Sequence[DimensionPart],
) -> tuple[Part, DimensionPart | None, SegmentPart | None]:
    change = read[0].parts.change
    mixed = max(read, key=lambda one: one.parts.mix_share)
    if mixed.parts.mix_share >= MOSTLY:
        # The segment whose part of the mix points most clearly the way the whole moved.
        return Part.MIX, mixed, max(mixed.segments, key=lambda one: one.mix / change)
    explaining = [
        (segment.rate / change, abs(segment.rest_z), dimension, segment)
        for dimension in read
        for segment in dimension.segments
        if segment.rate / change >= MOSTLY and max(segment.q_value, segment.rest_q) < LEAST_Q
    ]
    if explaining:
        # Of segments that overlap (mobile, Android) the one that stands out most from its rest.
        _, _, dimension, segment = max(explaining, key=lambda one: one[1])
        return Part.RATE_OF_SEGMENT, dimension, segment
    moved = [s for one in read for s in one.segments if s.q_value < LEAST_Q and s.rate / change > 0]
    return (Part.RATE_EVERYWHERE, None, None) if moved else (Part.UNCLEAR, None, None)


def _read(dimensions: Sequence[SegmentCounts], dispersion: float) -> list[DimensionPart]:
    own = [_distances(counts, dispersion) for counts in dimensions]
    z, rest_z = (np.concatenate([pair[place] for pair in own]) for place in (0, 1))
    q = benjamini_hochberg([two_sided_p(one) for one in z.tolist()])
    rest_q = benjamini_hochberg([two_sided_p(one) for one in rest_z.tolist()])
    found, start = [], 0
    for counts in dimensions:
        parts, end = mix_and_rate(counts), start + len(counts.values)
        columns = np.column_stack(
            [
                counts.trials_before,
                counts.trials_after,
                _rates(counts.successes_before, counts.trials_before),
                _rates(counts.successes_after, counts.trials_after),
                parts.mix,
                parts.rate,
                *(one[start:end] for one in (z, q, rest_z, rest_q)),
                counts.trials_before / counts.trials_before.sum(),
                counts.trials_after / counts.trials_after.sum(),
            ]
        ).tolist()
        segments = [
            SegmentPart(counts.dimension, value, *row)
            for value, row in zip(counts.values, columns, strict=True)
        ]
        ranked = sorted(segments, key=lambda one: (-abs(one.rate + one.mix), one.value))
        found.append(DimensionPart(counts.dimension, parts, tuple(ranked)))
        start = end
    return found


def _distances(counts: SegmentCounts, dispersion: float) -> tuple[Floats, Floats]:
    """Per segment: distance of its rates, and distance of its log change from that of the rest."""
    n0, x0 = counts.trials_before, counts.successes_before
    n1, x1 = counts.trials_after, counts.successes_after
    enough = (n0 >= LEAST_TRIALS) & (n1 >= LEAST_TRIALS)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = distance(x1, n1, x0, n0, counts.portion) / dispersion
        own, own_variance = _log_change(x1, n1, x0, n0, counts.portion)
        rest, rest_variance = _log_change(
            x1.sum() - x1, n1.sum() - n1, x0.sum() - x0, n0.sum() - n0, counts.portion
        )
        rest_z = (own - rest) / np.sqrt(own_variance + rest_variance) / dispersion
    return np.where(enough, z, np.nan), np.where(enough & np.isfinite(rest_z), rest_z, np.nan)


def _log_change(
    x1: Floats, n1: Floats, x0: Floats, n0: Floats, portion: float | None
) -> tuple[Floats, Floats]:
    """Log ratio of two rates and its variance, half a success added so that none is undefined."""
    is_known = (n1 > 0) & (n0 > 0)
    if portion is not None:
        y1, y0 = x1 / portion + 0.5, x0 / portion + 0.5
        return np.log(y1 / n1) - np.log(y0 / n0), np.where(is_known, 1 / y1 + 1 / y0, np.nan)
    change = np.log((x1 + 0.5) / (n1 + 0.5)) - np.log((x0 + 0.5) / (n0 + 0.5))
    variance = 1 / (x1 + 0.5) - 1 / (n1 + 0.5) + 1 / (x0 + 0.5) - 1 / (n0 + 0.5)
    return change, np.where(is_known, variance, np.nan)


def _whole_z(counts: SegmentCounts) -> float:
    x1, n1, x0, n0 = (
        column.sum(keepdims=True)
        for column in (
            counts.successes_after,
            counts.trials_after,
            counts.successes_before,
            counts.trials_before,
        )
    )
    return float(np.nan_to_num(distance(x1, n1, x0, n0, counts.portion))[0])


def _rates(successes: Floats, trials: Floats) -> Floats:
    return np.divide(successes, trials, out=np.full(len(trials), np.nan), where=trials > 0)
