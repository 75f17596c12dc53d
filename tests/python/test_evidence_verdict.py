"""The verdict ladder rung by rung, and what its sentences never say."""

from __future__ import annotations

import dataclasses
import itertools
import math

import microconv.evidence
import pytest
from causal_words import FORBIDDEN
from decision_points import simulate
from microconv.evidence import templates
from microconv.evidence import wording as words
from microconv.evidence.matched import MatchedLift, matched_lift
from microconv.evidence.naive import naive_lift
from microconv.evidence.quantities import UNDEFINED, Estimate
from microconv.evidence.stratified import mantel_haenszel
from microconv.evidence.value import RevenueMoments, gross_value
from microconv.evidence.verdict import Evidence, Reason, Verdict, judge
from microconv.evidence.wording import Wording, hidden_factor, sentences

WORDING = Wording(
    did="opened the size guide",
    verb="open the size guide",
    converted="bought",
    macro="the purchase",
    horizon_days=14,
)
UP, DOWN, UNSURE = Estimate(1.44, 1.2, 1.7), Estimate(0.7, 0.6, 0.8), Estimate(1.1, 0.9, 1.3)


def matched(lift: Estimate, overlap: float = 0.99) -> MatchedLift:
    return MatchedLift(0.13, 0.09, lift, Estimate(0.04, 0.02, 0.06), 4000, 520, 90_000, overlap)


CLEAR = Evidence(
    exposed=4000,
    exposed_converted=520,
    naive_lift=Estimate(3.1, 2.6, 3.7),
    matched=matched(UP),
    step_odds=Estimate(1.5, 1.3, 1.8),
    step_q=0.001,
    recall=Estimate(0.3, 0.28, 0.32),
    converter_occurrences=800,
    post_macro_share=0.1,
    exposures_before_macro=4000,
)
BOT_CHECK = ("placebo",)

CASES: dict[str, tuple[dict[str, object], Verdict, Reason]] = {
    "clear": ({}, Verdict.PREDICTIVE, Reason.NO_YARDSTICK),
    "weak against the yardstick": (
        {"yardstick": ("mobile", 2.1), "holds_out_of_time": True},
        Verdict.PREDICTIVE,
        Reason.BELOW_YARDSTICK,
    ),
    "robust": (
        {"yardstick": ("mobile", 1.5), "holds_out_of_time": True},
        Verdict.ROBUST,
        Reason.ABOVE_YARDSTICK,
    ),
    "not in the last third": (
        {"yardstick": ("mobile", 1.5), "holds_out_of_time": False},
        Verdict.PREDICTIVE,
        Reason.FAILS_OUT_OF_TIME,
    ),
    "last third not looked at": (
        {"yardstick": ("mobile", 1.5)},
        Verdict.PREDICTIVE,
        Reason.ABOVE_YARDSTICK,
    ),
    "failed placebo caps": (
        {"failed_checks": BOT_CHECK, "yardstick": ("mobile", 1.5), "holds_out_of_time": True},
        Verdict.TENTATIVE,
        Reason.CHECK_FAILED,
    ),
    "few exposed": ({"exposed": 99}, Verdict.INSUFFICIENT, Reason.FEW_EXPOSED),
    "few conversions": (
        {"exposed_converted": 9},
        Verdict.INSUFFICIENT,
        Reason.FEW_EXPOSED_CONVERTED,
    ),
    "one day of data": (
        {"has_follow_up": False, "exposed": 0, "exposed_converted": 0, "matched": None},
        Verdict.INSUFFICIENT,
        Reason.NO_FOLLOW_UP,
    ),
    "unknown counts": (
        {"exposed": math.nan, "exposed_converted": math.nan},
        Verdict.INSUFFICIENT,
        Reason.FEW_EXPOSED,
    ),
    "order status": (
        {"exposures_before_macro": 0, "exposed": 0, "exposed_converted": 0, "matched": None},
        Verdict.POST_MACRO_ONLY,
        Reason.NEVER_BEFORE_THE_MACRO,
    ),
    "mostly after": (
        {"post_macro_share": 0.9, "exposed": 50},
        Verdict.POST_MACRO_ONLY,
        Reason.AFTER_THE_MACRO,
    ),
    "three times, all after": (
        {"converter_occurrences": 3, "exposures_before_macro": 0, "exposed": 0},
        Verdict.INSUFFICIENT,
        Reason.FEW_EXPOSED,
    ),
    "checkout": (
        {"recall": Estimate(0.99, 0.98, 1.0)},
        Verdict.GATE,
        Reason.ALMOST_EVERY_MACRO,
    ),
    "banner": (
        {"matched": matched(UNSURE), "step_odds": UNSURE, "step_q": 0.6},
        Verdict.EXPLAINED,
        Reason.NAIVE_IS_LARGE,
    ),
    "quiet null": (
        {
            "matched": matched(UNSURE),
            "step_odds": UNSURE,
            "step_q": 0.6,
            "naive_lift": Estimate(1.2, 1.0, 1.4),
        },
        Verdict.NO_EVIDENCE,
        Reason.STEP_NOT_CLEAR,
    ),
    "clear only before correction": (
        {"step_q": 0.07},
        Verdict.NO_EVIDENCE,
        Reason.STEP_NOT_CLEAR,
    ),
    "matched interval holds 1": (
        {"matched": matched(UNSURE), "naive_lift": Estimate(1.3, 1.1, 1.5)},
        Verdict.NO_EVIDENCE,
        Reason.MATCHED_COVERS_ONE,
    ),
    "nobody to compare with": ({"matched": None}, Verdict.INSUFFICIENT, Reason.NO_COMPARABLE),
    "gate without anybody to compare with": (
        {"matched": None, "recall": Estimate(0.99, 0.98, 1.0)},
        Verdict.GATE,
        Reason.ALMOST_EVERY_MACRO,
    ),
    "one bucket carries everything": (
        {"matched": matched(Estimate(1.4, math.nan, math.nan))},
        Verdict.INSUFFICIENT,
        Reason.NO_COMPARABLE,
    ),
    "no q": ({"step_q": math.nan}, Verdict.NO_EVIDENCE, Reason.STEP_NOT_CLEAR),
    "signs disagree": ({"step_odds": DOWN}, Verdict.UNSTABLE, Reason.SIGNS_DISAGREE),
    "simpson": ({"is_simpson": True}, Verdict.UNSTABLE, Reason.SIMPSON),
    "segments": ({"is_heterogeneous": True}, Verdict.UNSTABLE, Reason.HETEROGENEOUS),
    "segments that cancel": (
        {"is_heterogeneous": True, "matched": matched(UNSURE), "step_q": 0.5},
        Verdict.UNSTABLE,
        Reason.HETEROGENEOUS,
    ),
    "robots": ({"is_bot_sensitive": True}, Verdict.UNSTABLE, Reason.BOT_SENSITIVE),
    "reversed": (
        {"matched": matched(DOWN), "step_odds": DOWN},
        Verdict.REVERSED,
        Reason.BELOW_ONE,
    ),
    "push": (
        {"is_in_session": False, "matched": None, "step_odds": UNSURE, "step_q": 0.5},
        Verdict.EXPLAINED,
        Reason.STEP_NOT_CLEAR,
    ),
    "e-mail that announces": (
        {"is_in_session": False, "matched": None},
        Verdict.PREDICTIVE,
        Reason.STEP_CLEAR,
    ),
    "off-session and below": (
        {"is_in_session": False, "matched": None, "step_odds": DOWN},
        Verdict.REVERSED,
        Reason.STEP_CLEAR,
    ),
    "experiment": ({"randomized": UP}, Verdict.CAUSAL, Reason.RANDOMIZED),
    "experiment without result": (
        {"randomized": UNSURE},
        Verdict.PREDICTIVE,
        Reason.ABOVE_ONE,
    ),
}


def made(name: str) -> Evidence:
    return dataclasses.replace(CLEAR, **CASES[name][0])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CASES)
def test_each_rung(name: str) -> None:
    _, verdict, reason = CASES[name]
    found = judge(made(name))
    assert found.verdict is verdict
    assert reason in found.reasons


def test_caveats_do_not_decide() -> None:
    assert judge(made("experiment without result")).caveats == (Reason.RANDOMIZED_UNCLEAR,)
    little = dataclasses.replace(CLEAR, matched=matched(UP, overlap=0.7))
    assert judge(little).caveats == (Reason.LITTLE_OVERLAP,)
    assert judge(little).verdict is Verdict.PREDICTIVE
    assert judge(made("push")).caveats == (Reason.OFF_SESSION,)


def test_nothing_but_a_randomised_comparison_is_causal() -> None:
    """Every combination of what observational data can say stays below."""
    options: dict[str, tuple[object, ...]] = {
        "matched": (matched(UP), matched(DOWN), matched(UNSURE), None),
        "step_odds": (UP, DOWN, UNSURE, UNDEFINED),
        "step_q": (0.0001, 0.5, math.nan),
        "recall": (Estimate(0.99, 0.95, 1), Estimate(0.2, 0.1, 0.3), UNDEFINED),
        "is_in_session": (True, False),
        "is_heterogeneous": (True, False),
        "failed_checks": ((), BOT_CHECK),
        "yardstick": (None, ("mobile", 1.1)),
        "holds_out_of_time": (None, True),
        "exposed": (5, 5000),
    }
    for values in itertools.product(*options.values()):
        chosen = dict(zip(options, values, strict=True))
        evidence = dataclasses.replace(CLEAR, **chosen)  # type: ignore[arg-type]
        judgement = judge(evidence)
        assert judgement.verdict is not Verdict.CAUSAL
        assert judgement.reasons
        if evidence.failed_checks:
            assert judgement.verdict not in (Verdict.PREDICTIVE, Verdict.ROBUST)


def test_every_verdict_and_reason_has_a_template() -> None:
    assert set(templates.REASONS) == set(Reason) - {Reason.RANDOMIZED}
    assert set(templates.VERDICTS) == set(Verdict) - {Verdict.CAUSAL}


@pytest.mark.parametrize("name", CASES)
def test_sentences_say_the_verdict_without_a_claim(name: str) -> None:
    evidence = made(name)
    judgement = judge(evidence)
    said = sentences(evidence, judgement, WORDING)
    assert len(said) >= 2
    assert not any("{" in one or "nan" in one for one in said)
    assert all(one.endswith(".") for one in said)
    if judgement.verdict is not Verdict.CAUSAL:
        assert not any(FORBIDDEN.search(one) for one in said)
    if judgement.verdict in (Verdict.GATE, Verdict.INSUFFICIENT, Verdict.POST_MACRO_ONLY):
        assert not any("×" in one for one in said)


def test_the_headline() -> None:
    said = sentences(CLEAR, judge(CLEAR), WORDING)
    assert said[0] == (
        "13.0 % of visitors who opened the size guide bought later within 14 days, 9.00 % of "
        "comparable visitors at the same point of the visit: 1.44× [1.20, 1.70]."
    )
    assert "3.10× [2.60, 3.70]" in said[1]


def test_hidden_factor_and_placebo_and_value_in_words() -> None:
    robust = made("robust")
    assert "by 1.69×" in hidden_factor(robust, WORDING)
    assert "(mobile) does 1.50×" in hidden_factor(robust, WORDING)
    assert "measured factor" not in hidden_factor(CLEAR, WORDING)
    assert "looks like 4.35× [4.00, 4.80]" in words.placebo(Estimate(4.35, 4, 4.8), UNSURE)
    value = gross_value(RevenueMoments(1000, 400, 30_000, 400 * 75.0**2))
    assert words.gross(value, WORDING, "USD").startswith("40.0 % × 75.00 USD per order = 30.00 USD")


def test_from_counts_to_a_sentence() -> None:
    """The simulated shop: an event at random is explained, a planted one is predictive."""
    verdicts = {}
    for name, odds_ratio in (("random", 1.0), ("planted", 2.0)):
        shop = simulate(42, visitors=20_000, odds_ratio=odds_ratio)
        lift, step = matched_lift(shop.trials()), mantel_haenszel(shop.step_tables())
        evidence = Evidence(
            exposed=lift.treated_count,
            exposed_converted=lift.treated_converted,
            naive_lift=naive_lift(shop.naive()).lift,
            matched=lift,
            step_odds=step.odds_ratio,
            step_q=step.p_value,
        )
        verdicts[name] = judge(evidence).verdict
        assert sentences(evidence, judge(evidence), WORDING)
    assert verdicts["random"] in (Verdict.EXPLAINED, Verdict.NO_EVIDENCE)
    assert verdicts["planted"] is Verdict.PREDICTIVE


def test_the_public_names_exist() -> None:
    names = microconv.evidence.__all__
    assert len(names) == len(set(names))
    assert all(getattr(microconv.evidence, name).__doc__ for name in names if name[0].islower())
