"""Parts of a change sum to it exactly, and the true part is the one that is named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.watching.decomposition import (
    SegmentCounts,
    log_mean,
    mix_and_rate,
    product_contributions,
    shapley_contributions,
)
from microconv.watching.diagnosis import (
    Diagnosis,
    Part,
    VolumeAndRate,
    diagnose,
    funnel_parts,
    volume_and_rate,
)
from microconv.watching.guards import GuardVerdict, guard_pair, mean_change, rate_change
from microconv.watching.wording import diagnosis_sentence, guard_sentence

factors = st.lists(st.tuples(st.floats(1e-4, 1), st.floats(1e-4, 1)), min_size=1, max_size=6)
segments = st.lists(
    st.tuples(st.integers(0, 500), st.floats(0, 1), st.integers(0, 500), st.floats(0, 1)),
    min_size=1,
    max_size=8,
).filter(lambda rows: sum(row[0] for row in rows) > 0 and sum(row[2] for row in rows) > 0)

# Das Gupta 1993 (Census Bureau, P23-186), as in the README of R's package DasGuptR: mean earnings
# and share of earners; a birth rate of four factors.
EARNINGS = ((10_930, 0.717892), (16_591, 0.825974))
BIRTHS = ((25.3, 0.214, 0.279, 0.949), (32.7, 0.290, 0.473, 0.986))


# ---- products -----------------------------------------------------------------------------------


def test_shapley_values_of_a_product_equal_das_gupta() -> None:
    earnings = shapley_contributions(*map(np.array, EARNINGS))
    assert earnings == pytest.approx([4369.913, 1487.262], abs=2e-3)
    births = shapley_contributions(*map(np.array, BIRTHS))
    assert births == pytest.approx([0.6889, 0.8125, 1.3829, 0.1048], abs=5e-5)
    assert births.sum() == pytest.approx(2.98914, abs=5e-6)


def test_logarithmic_means_are_near_das_gupta_and_sum_as_well() -> None:
    births = product_contributions(*BIRTHS)
    assert births == pytest.approx([0.6807, 0.8063, 1.4006, 0.1015], abs=5e-5)
    assert births == pytest.approx(shapley_contributions(*map(np.array, BIRTHS)), rel=0.04)


@settings(deadline=None)
@given(factors)
@example([(0.0001, 0.9375)] * 3)
def test_contributions_sum_to_the_change_of_the_product(pairs: list[tuple[float, float]]) -> None:
    before, after = (np.array(side) for side in zip(*pairs, strict=True))
    change = float(np.prod(after) - np.prod(before))
    for method in (product_contributions, shapley_contributions):
        assert float(method(before, after).sum()) == pytest.approx(change, rel=1e-6, abs=1e-12)
    backwards = product_contributions(after, before)
    assert backwards == pytest.approx(-product_contributions(before, after), rel=1e-6, abs=1e-12)


def test_factors_that_are_zero_or_equal_are_taken_apart_too() -> None:
    assert product_contributions([0.5, 0.2], [0.0, 0.2]) == pytest.approx([-0.1, 0])
    assert product_contributions([0.0, 0.0], [0.4, 0.5]).sum() == pytest.approx(0.2)
    assert product_contributions([0.5, 0.2], [0.5, 0.2]).tolist() == [0, 0]
    assert log_mean(2, 2) == 2 and log_mean(1, math.e) == pytest.approx(math.e - 1)
    assert log_mean(1 + 1e-13, 1) == pytest.approx(1)
    for wrong in ([-0.1, 1], [math.nan, 1]):
        with pytest.raises(ValueError, match="0 or above"):
            product_contributions(wrong, [1, 1])


def test_volume_or_rate_is_asked_first() -> None:
    found = volume_and_rate(10_000, 500, 8_000, 400)
    assert isinstance(found, VolumeAndRate)
    assert (found.change, found.volume, found.rate) == pytest.approx((-100, -100, 0))
    found = volume_and_rate(10_000, 500, 9_000, 0)
    assert isinstance(found, VolumeAndRate)
    assert found.volume + found.rate == pytest.approx(-500)
    assert isinstance(volume_and_rate(0, 0, 10, 1), Refusal)


def test_the_step_that_moved_gets_the_change() -> None:
    names = ("add to cart", "checkout", "purchase")
    found = funnel_parts(names, (10_000, 800, 400, 200), (12_000, 672, 336, 168))
    assert not isinstance(found, Refusal)
    assert [step.share for step in found] == pytest.approx([1, 0, 0], abs=1e-12)
    assert found[0].rate_after == pytest.approx(0.056)
    assert sum(step.contribution for step in found) == pytest.approx(168 / 12_000 - 0.02)
    unchanged = funnel_parts(("a",), (100, 10), (200, 20))
    assert not isinstance(unchanged, Refusal) and math.isnan(unchanged[0].share)
    nobody = funnel_parts(names, (10_000, 800, 400, 200), (12_000, 0, 0, 0))
    assert isinstance(nobody, Refusal) and "later period nobody reached step 2" in nobody.reasons[0]


# ---- mix and rate -------------------------------------------------------------------------------


def counts(dimension: str, rows: dict[str, tuple[float, float, float, float]]) -> SegmentCounts:
    """Segments with trials and rates of both periods."""
    n0, r0, n1, r1 = (np.array(column, float) for column in zip(*rows.values(), strict=True))
    return SegmentCounts.from_columns(dimension, list(rows), n0, n0 * r0, n1, n1 * r1)


@settings(deadline=None)
@given(segments)
def test_mix_and_rate_sum_to_the_change(rows: list[tuple[float, float, float, float]]) -> None:
    made = counts("any", {str(place): row for place, row in enumerate(rows)})
    found = mix_and_rate(made)
    total0 = made.successes_before.sum() / made.trials_before.sum()
    total1 = made.successes_after.sum() / made.trials_after.sum()
    assert found.change == pytest.approx(total1 - total0)
    assert float(found.mix.sum() + found.rate.sum()) == pytest.approx(total1 - total0, abs=1e-12)


def test_centring_moves_no_total_and_gives_signs_a_meaning() -> None:
    """Kitagawa's own form, segment by segment: the same sums; ours blames no growing good one."""
    made = counts("c", {"paid": (1000, 0.02, 3000, 0.02), "organic": (9000, 0.1, 9000, 0.1)})
    found = mix_and_rate(made)
    w0, w1 = (n / n.sum() for n in (made.trials_before, made.trials_after))
    plain = (w1 - w0) * np.array([0.02, 0.1])
    assert float(found.mix.sum()) == pytest.approx(float(plain.sum()))
    assert found.mix[0] < 0 < plain[0]  # more of the worst is bad news
    assert found.mix_share == pytest.approx(1) and found.rate_share == pytest.approx(0, abs=1e-12)


def test_a_segment_that_comes_or_goes_is_mix() -> None:
    made = counts("c", {"new": (0, 0, 2000, 0.01), "old": (8000, 0.1, 8000, 0.1)})
    found = mix_and_rate(made)
    assert found.rate.tolist() == [0, 0] and found.mix_share == pytest.approx(1)
    with pytest.raises(ValueError, match="Both periods"):
        mix_and_rate(counts("c", {"new": (0, 0, 10, 0.5)}))


# ---- diagnosis ----------------------------------------------------------------------------------


def world(random: np.random.Generator, is_mix: bool, sessions: int = 20_000) -> list[SegmentCounts]:
    """Two weeks of carts by device and by channel: fewer carts on mobile, or more paid traffic."""
    device_share, channel_share = np.array([0.6, 0.4]), np.array([0.15, 0.45, 0.40])
    rate = np.array([0.06, 0.11])[:, None] * np.array([0.35, 1.0, 1.3])
    later_share = np.array([0.40, 0.30, 0.30]) if is_mix else channel_share
    later_rate = rate if is_mix else rate * np.array([0.7, 1.0])[:, None]
    cells = []
    for share, conversion in ((channel_share, rate), (later_share, later_rate)):
        n = random.multinomial(sessions, np.outer(device_share, share).ravel()).reshape(2, 3)
        cells.append((n.astype(float), random.binomial(n, conversion).astype(float)))
    (n0, x0), (n1, x1) = cells
    return [
        SegmentCounts(name, values, *(one.sum(axis=axis) for one in (n0, x0, n1, x1)))
        for name, values, axis in (
            ("device", ("mobile", "desktop"), 1),
            ("channel", ("paid", "organic", "direct"), 0),
        )
    ]


@pytest.mark.parametrize("is_mix", [True, False])
def test_the_planted_part_is_named(is_mix: bool) -> None:
    """-30 % of carts on mobile, or a shift to paid traffic: 80 % and more to the true part."""
    random, right = np.random.default_rng(20_261_122), 0
    for _ in range(100):
        found = diagnose(world(random, is_mix))
        assert isinstance(found, Diagnosis)
        if is_mix and found.part is Part.MIX and found.dimension:
            right += found.dimension.dimension == "channel" and found.segment is not None
            assert found.dimension.parts.mix_share >= 0.6
        elif not is_mix and found.part is Part.RATE_OF_SEGMENT and found.segment:
            right += found.segment.value == "mobile"
    assert right >= 89


@pytest.mark.parametrize("is_mix", [True, False])
def test_the_true_part_gets_four_fifths_and_more(is_mix: bool) -> None:
    """With many sessions, where the parts are not blurred by chance."""
    found = diagnose(world(np.random.default_rng(1), is_mix, 4_000_000))
    assert isinstance(found, Diagnosis) and found.dimension is not None
    parts = found.dimension.parts
    assert (parts.mix_share if is_mix else parts.rate_share) >= 0.8


def test_a_change_of_all_segments_is_no_segments() -> None:
    made = counts("device", {"m": (9000, 0.08, 9000, 0.06), "d": (9000, 0.1, 9000, 0.075)})
    found = diagnose([made])
    assert isinstance(found, Diagnosis)
    assert found.part is Part.RATE_EVERYWHERE and found.segment is None
    assert "alike in all segments" in diagnosis_sentence(found)


def test_noise_is_not_taken_apart() -> None:
    random, named = np.random.default_rng(7), 0
    for _ in range(200):
        n = random.multinomial(10_000, [0.3, 0.5, 0.2], 2).astype(float)
        x = random.binomial(n.astype(int), 0.08).astype(float)
        found = diagnose([SegmentCounts("c", ("a", "b", "c"), n[0], x[0], n[1], x[1])])
        assert isinstance(found, Diagnosis)
        named += found.part is not Part.UNCLEAR
    assert named <= 19  # exact 0.5 % limit of 200 runs for 5 %


def test_over_dispersion_makes_a_diagnosis_harder() -> None:
    made = counts("device", {"m": (6000, 0.08, 6000, 0.06), "d": (6000, 0.1, 6000, 0.1)})
    sure, unsure = diagnose([made]), diagnose([made], dispersion=3)
    assert isinstance(sure, Diagnosis) and isinstance(unsure, Diagnosis)
    assert sure.part is Part.RATE_OF_SEGMENT and unsure.part is Part.UNCLEAR


def test_a_diagnosis_without_data_is_refused() -> None:
    for nothing in ([], [counts("d", {"m": (0, 0, 0, 0)})], [counts("d", {"m": (9, 0.1, 9, 0.1)})]):
        found = diagnose(nothing)
        assert isinstance(found, Refusal) and diagnosis_sentence(found)
    still = diagnose([counts("d", {"m": (1000, 0.0, 1000, 0.0)})])
    assert isinstance(still, Diagnosis) and still.part is Part.UNCLEAR
    assert "nan" not in diagnosis_sentence(still)


def test_the_sentence_names_step_and_mix() -> None:
    made = counts(
        "channel", {"paid social": (1200, 0.01, 3100, 0.01), "rest": (8800, 0.06, 6900, 0.06)}
    )
    steps = funnel_parts(("add to cart", "checkout"), (10_000, 540, 300), (10_000, 445, 240))
    assert not isinstance(steps, Refusal)
    found = diagnose([made])
    assert diagnosis_sentence(found, steps) == (
        "-17.6 %; 87 % of it from add to cart; 100 % of it a different mix of channel, "
        "foremost paid social."
    )


# ---- guards -------------------------------------------------------------------------------------


def test_relative_change_equals_katz() -> None:
    """Agresti's aspirin table once more: 1.818 (1.433, 2.306) is a change of +81.8 %."""
    found = rate_change(104, 11_037, 189, 11_034)
    assert (found.value, found.low, found.high) == pytest.approx((0.818, 0.433, 1.306), abs=6e-4)
    wide = rate_change(104, 11_037, 189, 11_034, dispersion=2)
    assert math.log1p(wide.high) - math.log1p(wide.low) == pytest.approx(
        2 * (math.log1p(found.high) - math.log1p(found.low))
    )


def test_a_rise_that_nothing_follows_is_warned_of() -> None:
    carts = rate_change(800, 10_000, 1000, 10_000)
    cases = {
        GuardVerdict.FOLLOWS: rate_change(4000, 100_000, 4900, 100_000),
        GuardVerdict.FLAT: rate_change(4000, 100_000, 4000, 100_000),
        GuardVerdict.DOWN: rate_change(4000, 100_000, 3700, 100_000),
        GuardVerdict.UNCLEAR: rate_change(40, 1000, 44, 1000),
    }
    for verdict, checkouts in cases.items():
        found = guard_pair(carts, checkouts)
        assert found.verdict is verdict
        assert found.warns == (verdict in (GuardVerdict.FLAT, GuardVerdict.DOWN))
        assert "Carts" in guard_sentence(found, "Carts", "checkouts")
    for no_rise in (rate_change(80, 1000, 85, 1000), rate_change(80_000, 10**6, 81_000, 10**6)):
        assert guard_pair(no_rise, cases[GuardVerdict.DOWN]).verdict is GuardVerdict.NO_RISE


def test_revenue_guards_too_and_nothing_is_no_number() -> None:
    random = np.random.default_rng(2)
    before, after = (random.lognormal(3, 0.6, 4000) * (random.random(4000) < 0.2) for _ in range(2))
    moments = [(float(r.sum()), 4000.0, float(4000 * r.var())) for r in (before, after)]
    found = mean_change(moments[0], moments[1])
    assert found.low < 0 < found.high
    assert found.value == pytest.approx(after.sum() / before.sum() - 1)
    nothing = (0.0, 4000.0, 0.0)
    for undefined in (mean_change(nothing, moments[1]), rate_change(0, 10, 1, 10)):
        assert not undefined.has_interval
        assert guard_pair(Estimate(0.3, 0.2, 0.4), undefined).verdict is GuardVerdict.UNCLEAR
    assert rate_change(10, 100, 0, 100).value == -1
