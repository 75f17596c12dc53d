"""Past experiments validate a proxy only where true lifts go together, not where counts do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from microconv.deciding.experiments import Arm, Experiment, Unusable
from microconv.deciding.true_effects import correlation_interval, fit_true_effects
from microconv.deciding.validation import Validation, Validity, validate
from microconv.evidence.quantities import Floats
from microconv.evidence.refusal import Refusal
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from watching_data import BCG, BERKEY


def berkey() -> tuple[Floats, Floats]:
    rows = np.array(BERKEY)
    covariances = np.array([[[one[2], one[4]], [one[4], one[3]]] for one in rows])
    return rows[:, :2], covariances


def bcg() -> tuple[Floats, Floats]:
    """Log odds without and with the vaccine."""
    rows = np.array(BCG, dtype=np.float64)
    effects = np.log(np.column_stack([rows[:, 2] / rows[:, 3], rows[:, 0] / rows[:, 1]]))
    covariances = np.array([np.diag([1 / c + 1 / d, 1 / a + 1 / b]) for a, b, c, d in rows])
    return effects, covariances


# ---- answer keys --------------------------------------------------------------------------------


def test_true_effects_equal_berkey() -> None:
    """Tests of R's metafor, analysis of Berkey et al. 1998 by maximum likelihood."""
    found = fit_true_effects(*berkey(), free_mean=True)
    assert found.mean == pytest.approx((0.3448, -0.3379), abs=1e-4)
    assert found.mean_errors == pytest.approx((0.0495, 0.0798), abs=1e-4)
    assert found.micro_spread**2 == pytest.approx(0.0070, abs=5e-5)
    assert found.macro_spread**2 == pytest.approx(0.0261, abs=5e-5)
    assert found.correlation == pytest.approx(0.6992, abs=1e-4)
    assert found.p_value == pytest.approx(0.2452, abs=1e-4)


def test_the_slope_of_true_effects_equals_van_houwelingen() -> None:
    """Van Houwelingen et al. 2002 and metafor's tests: BCG vaccine, log odds of both arms."""
    found = fit_true_effects(*bcg(), free_mean=True)
    assert found.micro_spread**2 == pytest.approx(2.4073, abs=5e-4)
    assert found.macro_spread**2 == pytest.approx(1.4314, abs=5e-4)
    assert found.correlation == pytest.approx(0.9467, abs=1e-4)
    assert (found.slope, found.intercept) == pytest.approx((0.7300, -1.8437), abs=1e-4)


def test_the_profile_interval_is_where_the_likelihood_has_fallen() -> None:
    """With scipy's density and a search of its own, at both limits."""
    random = np.random.default_rng(3)
    truth = random.multivariate_normal([0, 0], [[0.01, 0.004], [0.004, 0.01]], 25)
    covariances = np.repeat(np.array([[[0.002, 0.0005], [0.0005, 0.003]]]), 25, axis=0)
    effects = truth + random.multivariate_normal([0, 0], covariances[0], 25)

    def height(log_s: float, log_y: float, r: float) -> float:
        s, y = math.exp(log_s), math.exp(log_y)
        between = np.array([[s**2, r * s * y], [r * s * y, y**2]])
        return sum(
            float(multivariate_normal([0, 0], between + one).logpdf(effect))
            for one, effect in zip(covariances, effects, strict=True)
        )

    fit = fit_true_effects(effects, covariances)
    found = correlation_interval(effects, covariances, fit)
    assert fit.log_likelihood == pytest.approx(
        height(math.log(fit.micro_spread), math.log(fit.macro_spread), fit.correlation)
    )
    assert found.low < fit.correlation < found.high
    for limit in (found.low, found.high):
        start = [math.log(fit.micro_spread), math.log(fit.macro_spread)]
        best = minimize(lambda at, r=limit: -height(at[0], at[1], r), start, method="Nelder-Mead")
        assert fit.log_likelihood + best.fun == pytest.approx(1.9207, abs=0.02)


# ---- verdicts -----------------------------------------------------------------------------------


def experiments(
    random: np.random.Generator,
    count: int,
    spread: float,
    correlation: float,
    per_arm: int = 20_000,
) -> list[Experiment]:
    """Who buys mostly put something into the cart first: 10 % do, 2.5 % buy, 2 % do both."""
    covariance = spread**2 * np.array([[1, correlation], [correlation, 1]])
    found = []
    for place in range(count):
        lifts = np.exp(random.multivariate_normal([0, 0], covariance))
        arms = []
        for micro, macro in ((0.10, 0.025), (0.10 * lifts[0], 0.025 * lifts[1])):
            both = 0.8 * min(macro, micro)
            cells = [both, micro - both, macro - both, 1 - micro - macro + both]
            drawn = random.multinomial(per_arm, cells).astype(float)
            arms.append(Arm(per_arm, drawn[0] + drawn[1], drawn[0] + drawn[2], drawn[0]))
        found.append(Experiment(f"test {place}", arms[0], arms[1]))
    return found


def validations(runs: int, seed: int = 20_261_122, **world: float) -> list[Validation]:
    random = np.random.default_rng(seed)
    found = [
        validate(
            experiments(random, int(world["count"]), world["spread"], world["correlation"]), 20_000
        )
        for _ in range(runs)
    ]
    return [one for one in found if isinstance(one, Validation)]


def validated(found: list[Validation]) -> float:
    return float(np.mean([one.validity is Validity.VALIDATED for one in found]))


def test_experiments_without_any_effect_validate_nothing() -> None:
    found = validations(40, count=40, spread=0.0, correlation=0.0)
    assert validated(found) <= 0.05
    # What everybody computes: lifts correlate, though nothing ever had an effect.
    assert np.mean([one.naive_correlation for one in found]) > 0.3
    assert all(math.isnan(one.predicted_macro_lift(0.1)) for one in found)


def test_true_lifts_that_go_together_validate() -> None:
    found = validations(12, count=100, spread=0.15, correlation=0.98)
    assert validated(found) >= 0.9
    assert np.mean([one.truth.correlation for one in found if one.truth]) > 0.9
    slopes = [one.predicted_macro_lift(0.10) for one in found if one.validity is Validity.VALIDATED]
    assert np.median(slopes) == pytest.approx(0.10, abs=0.02)


def test_true_lifts_that_are_unrelated_do_not_validate() -> None:
    assert validated(validations(20, count=40, spread=0.15, correlation=0.0)) <= 0.1


@pytest.mark.long
def test_validation_at_length() -> None:
    """The design: null validated at most 5 %, a correlation of 1 with 100 experiments 95 %."""
    assert validated(validations(200, count=40, spread=0.0, correlation=0.0)) <= 0.05
    assert validated(validations(200, count=10, spread=0.0, correlation=0.0)) <= 0.05
    assert validated(validations(200, count=40, spread=0.15, correlation=0.0)) <= 0.05
    assert validated(validations(200, count=40, spread=0.15, correlation=-0.5)) <= 0.05
    assert validated(validations(100, count=100, spread=0.15, correlation=0.98)) >= 0.95


def test_few_experiments_are_shown_but_not_judged() -> None:
    random = np.random.default_rng(5)
    tests = experiments(random, 12, 0.15, 0.9)
    few = validate(tests[:9], 20_000)
    assert isinstance(few, Validation)
    assert few.validity is Validity.TOO_FEW and few.truth is None
    assert few.same_sign.has_interval and len(few.lifts) == 9
    nothing = validate(tests[:2], 20_000)
    assert isinstance(nothing, Refusal) and "2 past experiments" in nothing.reasons[0]
    assert isinstance(validate([], 20_000), Refusal)


def test_unreadable_experiments_are_left_out_by_name() -> None:
    tests = experiments(np.random.default_rng(6), 12, 0.15, 0.9)
    broken = Experiment("broken", Arm(20_000, 2000, 500, 400), Arm(18_000, 1800, 450, 400))
    found = validate([*tests, broken], 20_000)
    assert isinstance(found, Validation)
    assert found.left_out == {"broken": Unusable.SAMPLE_RATIO} and len(found.lifts) == 12


def test_identical_experiments_are_no_evidence() -> None:
    arm = Arm(20_000, 2000, 500, 400)
    found = validate([Experiment(str(place), arm, arm) for place in range(15)], 20_000)
    assert isinstance(found, Validation)
    assert found.validity is Validity.NO_VARIATION
    assert math.isnan(found.naive_correlation) and found.same_sign.value == 0
