"""How many visitors a test needs, which metric it may use, and when its result may be read."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from microconv.deciding.experiments import (
    Arm,
    Experiment,
    Lifts,
    Unusable,
    log_lifts,
    peeking,
    sample_ratio,
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
    Recommendation,
    Status,
    break_even_correlation,
    guardrail,
    recommend,
    reliability,
)
from microconv.deciding.wording import (
    guardrail_sentence,
    peeking_sentence,
    recommendation_sentences,
    sample_ratio_sentence,
    sample_size_sentence,
)
from microconv.evidence.quantities import Estimate
from microconv.evidence.refusal import Refusal
from microconv.evidence.verdict import Verdict
from scipy.stats import binom, chisquare

MONTHLY_10_000 = 10_000 / (365.25 / 12 / 7)  # visitors a week


# ---- sample size --------------------------------------------------------------------------------


def test_sample_sizes_equal_r_and_the_textbook() -> None:
    """R: power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7."""
    assert per_arm(0.50, 0.75, power=0.90) == pytest.approx(76.7, abs=0.05)
    # evanmiller.org's calculator says 1,030, since it takes 2 p (1 - p) of the control as the null.
    assert per_arm(0.20, 0.25) == pytest.approx(1094, abs=0.5)


@pytest.mark.parametrize(
    ("rate", "n", "weeks"),
    [(0.02, 80_682, 70), (0.04, 39_475, 34), (0.08, 18_872, 16.4), (0.40, 2_389, 2.1)],
)
def test_the_worked_example_of_ten_thousand_users_a_month(
    rate: float, n: float, weeks: float
) -> None:
    """+10 %: purchase, checkout, add to cart, product view."""
    found = sample_size(rate, 0.10, MONTHLY_10_000)
    assert isinstance(found, SampleSize)
    assert math.ceil(found.per_arm) == n
    assert found.weeks == pytest.approx(weeks, abs=0.5)
    assert found.days == pytest.approx(7 * found.weeks)


@settings(deadline=None)
@given(st.floats(0.005, 0.5), st.floats(0.03, 0.9))
def test_power_and_smallest_lift_undo_the_sample_size(rate: float, lift: float) -> None:
    n = per_arm(rate, rate * (1 + lift))
    assert power_of(rate, rate * (1 + lift), n) == pytest.approx(0.80)
    assert smallest_lift(rate, n) == pytest.approx(lift, rel=1e-4)


@pytest.mark.parametrize(("control", "treated"), [(0.10, 0.13), (0.30, 0.25)])
def test_power_is_that_of_the_test_itself(control: float, treated: float) -> None:
    """Every outcome of a pooled z test with its probability."""
    n = math.ceil(per_arm(control, treated))
    x0, x1 = np.arange(n + 1)[:, None], np.arange(n + 1)[None, :]
    pooled = (x0 + x1) / (2 * n)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (x1 - x0) / n / np.sqrt(pooled * (1 - pooled) * 2 / n)
    weight = binom.pmf(x0, n, control) * binom.pmf(x1, n, treated)
    assert float(weight[np.abs(z) > 1.959964].sum()) == pytest.approx(0.80, abs=0.01)


def test_impossible_questions_are_refused() -> None:
    for question in ((0.0, 0.1, 100), (0.9, 0.5, 100), (0.1, 0.0, 100), (0.1, 0.1, 0)):
        found = sample_size(*question)
        assert isinstance(found, Refusal) and found.reasons
    assert isinstance(sample_size(math.nan, 0.1, 100), Refusal)
    assert math.isnan(smallest_lift(0.5, 2)) and math.isnan(smallest_lift(0.0, 100))


# ---- looks and arms -----------------------------------------------------------------------------


def test_looking_often_alarms_often() -> None:
    """Armitage, McPherson and Rowe 1969, table 2: repeated tests at 5 %."""
    published = {1: 0.050, 2: 0.083, 3: 0.107, 4: 0.126, 5: 0.142, 10: 0.193, 20: 0.248, 50: 0.320}
    for looks, rate in published.items():
        assert false_alarm_rate(looks) == pytest.approx(rate, abs=6e-4)


def test_limits_equal_pococks() -> None:
    """Pocock 1977, table 1: constant limits that keep 5 % over 2, 3, 4, 5 and 10 looks."""
    for looks, limit in {1: 1.960, 2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555}.items():
        assert limit_for_looks(looks) == pytest.approx(limit, abs=6e-4)


def test_peeking_warns_until_the_end() -> None:
    found = peeking(looks=5, visitors=8_000, planned_per_arm=8_000, visitors_per_week=2_000)
    assert found.warns and found.is_early and found.weeks_left == 4
    assert found.false_alarm_rate == pytest.approx(0.142, abs=6e-4)
    once = peeking(1, 16_000, 8_000, 2_000)
    assert not once.warns and once.weeks_left == 0
    assert peeking(0, 0, 100, 0).weeks_left == math.inf


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(1, 5000), st.floats(0.1, 0.9))
def test_sample_ratio_equals_scipy(control: int, treated: int, share: float) -> None:
    total = control + treated
    expected = chisquare([control, treated], [total * share, total * (1 - share)])
    found = sample_ratio(control, treated, share)
    assert found.chi_squared == pytest.approx(expected.statistic, rel=1e-6, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-5, abs=1e-300)


def test_a_sample_ratio_mismatch_is_seen() -> None:
    """50.2 % of 821,588 visitors (Kohavi, Tang and Xu 2020, chapter 21) is no chance."""
    assert sample_ratio(821_588, 815_482).is_mismatch
    assert not sample_ratio(1000, 1050).is_mismatch
    assert not sample_ratio(0, 0).is_mismatch and math.isnan(sample_ratio(0, 0).p_value)


ARM = Arm(10_000, 1000, 200, 160)


def test_experiments_that_cannot_be_read_are_left_out_with_their_reason() -> None:
    def reason(treated: Arm, control: Arm = ARM) -> Lifts | Unusable:
        return log_lifts(Experiment("test", control, treated))

    assert isinstance(reason(ARM), Lifts)
    assert reason(replace(ARM, visitors=11_000)) is Unusable.SAMPLE_RATIO
    assert reason(Arm(50, 10, 5, 5), Arm(50, 10, 5, 5)) is Unusable.FEW_VISITORS
    assert reason(replace(ARM, macro=4, both=2)) is Unusable.FEW_CONVERSIONS
    assert reason(replace(ARM, macro=0, both=0)) is Unusable.FEW_CONVERSIONS
    assert reason(replace(ARM, both=300)) is Unusable.IMPOSSIBLE
    assert reason(replace(ARM, visitors=math.nan)) is Unusable.IMPOSSIBLE
    assert reason(Arm(0, 0, 0, 0)) is Unusable.FEW_VISITORS


def test_the_covariance_of_two_lifts_is_that_of_their_counts() -> None:
    """Against the spread of 20,000 experiments without effect."""
    random = np.random.default_rng(20_261_122)
    cells = np.array([160, 840, 40, 8960]) / 10_000  # both, micro only, macro only, neither
    drawn = random.multinomial(10_000, cells, (2, 20_000)).astype(float)
    micro, macro = drawn[..., 0] + drawn[..., 1], drawn[..., 0] + drawn[..., 2]
    lifts = np.array([np.log(one[1] / one[0]) for one in (micro, macro)])
    found = log_lifts(Experiment("test", ARM, ARM))
    assert isinstance(found, Lifts)
    assert np.cov(lifts) == pytest.approx(found.covariance, rel=0.05)
    assert found.effects.tolist() == [0, 0]


def test_the_explained_share_is_all_or_nothing_where_it_must_be() -> None:
    """Identities: only the mix of visitors moved, then only their rates did."""
    control = Arm(10_000, 1000, 340, 250)
    for treated, share in ((Arm(10_000, 1200, 388, 300), 1.0), (Arm(10_000, 1000, 408, 300), 0.0)):
        arms = [
            Arm(20 * one.visitors, 20 * one.micro, 20 * one.macro, 20 * one.both)
            for one in (control, treated)
        ]
        found = explained_share(Experiment("test", arms[0], arms[1]))
        assert isinstance(found, ExplainedShare)
        assert found.share.value == pytest.approx(share, abs=1e-12)
        assert found.share.low < share < found.share.high < 2
    for unmoved in (control, Arm(0, 0, 0, 0)):
        assert isinstance(explained_share(Experiment("test", control, unmoved)), Refusal)


# ---- which metric -------------------------------------------------------------------------------

SURE = Estimate(3.0, 2.5, 3.6)


def test_the_largest_share_that_can_pass_through() -> None:
    """A size guide that 15 % open, at three times the risk: 23 %, so that it needs +43 %."""
    guide = Candidate("size guide", 2, 0.15, SURE, Verdict.PREDICTIVE)
    assert guide.share == pytest.approx(0.2308, abs=5e-5)
    found = recommend("purchase", 0.02, [guide], MONTHLY_10_000)
    assert isinstance(found, Recommendation)
    needed = found.plans[0].lift_needed
    assert needed[1.0] == pytest.approx(0.433, abs=5e-4)
    assert needed[0.25] == pytest.approx(4 * needed[1.0])
    assert found.plans[0].weeks_needed < found.plans[0].weeks
    assert replace(guide, verdict=Verdict.GATE).share == 1
    assert replace(guide, lift=Estimate(0.5, 0.4, 0.6)).share == 0


def test_the_break_even_correlation_of_carts_and_purchases() -> None:
    assert break_even_correlation(0.02, 0.08, 20_000, 0.05) == pytest.approx(0.70, abs=5e-3)
    assert reliability(0.02, 1e12, 0.05) == pytest.approx(1)
    random = np.random.default_rng(9)
    truth = random.normal(0, 0.05, 200_000)
    measured = truth + random.normal(0, math.sqrt(2 * 0.98 / (0.02 * 20_000)), 200_000)
    squared = float(np.corrcoef(truth, measured)[0, 1]) ** 2
    assert squared == pytest.approx(reliability(0.02, 20_000, 0.05), abs=0.005)


def shop(**verdicts: Verdict) -> list[Candidate]:
    candidates = {
        "view_item": Candidate("view_item", 1, 0.40, Estimate(6, 5, 7), Verdict.PREDICTIVE),
        "add_to_cart": Candidate("add_to_cart", 3, 0.30, Estimate(9, 8, 10), Verdict.ROBUST),
        "newsletter": Candidate("newsletter", 2, 0.25, Estimate(2, 1.5, 2.5), Verdict.PREDICTIVE),
        "checkout": Candidate("checkout", 4, 0.04, Estimate(1, 1, 1), Verdict.GATE),
    }
    return [
        replace(one, verdict=verdicts.get(name, one.verdict)) for name, one in candidates.items()
    ]


def test_the_deepest_metric_that_is_fast_enough_is_recommended() -> None:
    found = recommend("purchase", 0.02, shop(), 5000)
    assert isinstance(found, Recommendation) and found.choice is not None
    assert found.choice.name == "add_to_cart" and found.status is Status.UNVALIDATED
    assert [plan.name for plan in found.plans] == [
        "checkout",
        "add_to_cart",
        "newsletter",
        "view_item",
    ]
    assert found.plans[0].weeks > 4  # the gate is closer, and too slow
    assert "checkout" in found.pareto and "add_to_cart" in found.pareto
    shallow = recommend("purchase", 0.02, shop(add_to_cart=Verdict.UNSTABLE), 5000)
    assert isinstance(shallow, Recommendation) and shallow.choice is not None
    assert shallow.choice.name == "newsletter"
    assert shallow.plans[1].excluded == "its association is unstable"


def test_the_macro_is_taken_where_it_can_be_measured() -> None:
    found = recommend("purchase", 0.02, shop(), 100_000)
    assert isinstance(found, Recommendation) and found.choice is found.macro
    assert found.status is Status.MACRO
    slow = recommend("purchase", 0.02, shop(), 100)
    assert isinstance(slow, Recommendation)
    assert slow.choice is None and slow.status is Status.NONE


def test_only_past_experiments_validate() -> None:
    candidates = [replace(one, is_validated=one.name == "add_to_cart") for one in shop()]
    found = recommend("purchase", 0.02, candidates, 5000)
    assert isinstance(found, Recommendation) and found.status is Status.VALIDATED


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"lift": Estimate(1.2, 0.9, 1.6)}, "convert alike"),
        ({"lift": Estimate(math.nan, math.nan, math.nan)}, "convert alike"),
        ({"rate": 0.01}, "less than 10%"),
        ({"rate": 0.0}, "no rate"),
        ({"rate": 1.0}, "no rate"),
        ({"verdict": Verdict.POST_MACRO_ONLY}, "follows the macro"),
        ({"verdict": Verdict.INSUFFICIENT}, "too little"),
        ({"verdict": Verdict.TENTATIVE}, "check of the design"),
        ({"verdict": Verdict.REVERSED}, "convert less"),
        ({"verdict": Verdict.NO_EVIDENCE}, "no evidence"),
        ({"verdict": Verdict.EXPLAINED}, "who is engaged"),
    ],
)
def test_what_is_no_proxy_is_excluded_with_its_reason(change: dict[str, object], why: str) -> None:
    candidate = replace(shop()[1], **change)  # type: ignore[arg-type]
    found = recommend("purchase", 0.02, [candidate], 5000)
    assert isinstance(found, Recommendation)
    assert found.choice is None and why in found.plans[0].excluded and found.pareto == ()


def test_the_pareto_front_holds_what_nothing_beats() -> None:
    found = recommend("purchase", 0.02, shop(), 5000)
    assert isinstance(found, Recommendation)
    for one in found.plans:
        beaten = any(
            other.weeks_needed <= one.weeks_needed
            and other.share >= one.share
            and (other.weeks_needed, other.share) != (one.weeks_needed, one.share)
            for other in found.plans
        )
        assert (one.name in found.pareto) == (not beaten)


def test_a_recommendation_without_rate_or_traffic_is_refused() -> None:
    for rate, traffic in ((0.0, 100.0), (1.0, 100.0), (math.nan, 100.0), (0.02, 0.0)):
        assert isinstance(recommend("purchase", rate, shop(), traffic), Refusal)


def test_the_guardrail_excludes_a_drop_with_80_percent() -> None:
    even = guardrail(400, 20_000, 400, 20_000, largest_drop=0.10)
    assert even.allows and even.ratio.low == pytest.approx(0.914, abs=2e-3)
    assert not guardrail(400, 20_000, 400, 20_000, largest_drop=0.05).allows
    assert not guardrail(0, 20_000, 400, 20_000, 0.10).allows
    assert not guardrail(0, 0, 0, 0, 0.10).allows


# ---- words --------------------------------------------------------------------------------------


def test_every_answer_has_a_sentence() -> None:
    unvalidated = recommend("purchase", 0.02, shop(), 5000)
    said = " ".join(recommendation_sentences(unvalidated, 0.10))
    assert "add_to_cart may stand in for purchase" in said and "unvalidated proxy" in said
    assert "must be believed" in said and "Keep purchase as a guardrail" in said
    assert "more than 0." in said
    for traffic, start in ((100_000, "Decide by purchase itself"), (100, "No metric is both")):
        sentences = recommendation_sentences(recommend("purchase", 0.02, shop(), traffic), 0.10)
        assert sentences[0].startswith(start) and len(sentences) == 1
    assert recommendation_sentences(recommend("purchase", 0, shop(), 5), 0.1)
    assert sample_size_sentence(sample_size(0.2, 0.25, 547)) == (
        "To find a change of +25% of 20.0 %, each arm needs 1,094 visitors: 4 weeks at this "
        "traffic."
    )
    assert "do not ship" in guardrail_sentence(guardrail(380, 20_000, 400, 20_000, 0.05), "Orders")
    assert "is excluded" in guardrail_sentence(guardrail(400, 20_000, 400, 20_000, 0.10), "Orders")
    assert "Nothing was counted" in guardrail_sentence(guardrail(0, 0, 0, 0, 0.1), "Orders")
    assert "no result" in sample_ratio_sentence(sample_ratio(1000, 1300))
    assert "14%" in peeking_sentence(peeking(5, 8_000, 8_000, 2_000))
    assert "looked at once" in peeking_sentence(peeking(1, 16_000, 8_000, 2_000))
    for text in (sample_ratio_sentence(sample_ratio(0, 0)), peeking_sentence(peeking(0, 0, 9, 0))):
        assert "nan" not in text and "inf" not in text
