"""Spread and correlation of the true lifts behind measured ones: bivariate random effects (M14).

d_k ~ N(mu, T + V_k), T = [[tS², r tS tY], [r tS tY, tY²]]. Arm labels can be exchanged, so mu is 0
unless it is asked for. Source: van Houwelingen, Arends and Stijnen 2002, Statistics in Medicine
21:589; Berkey et al. 1998, Statistics in Medicine 17:2537.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize

from microconv.evidence.quantities import (
    CONFIDENCE,
    Estimate,
    Floats,
    chi_squared_p,
    normal_quantile,
)

_LARGEST_ATANH = 8.0
_SMALLEST_LOG_SPREAD = -12.0
_OPTIONS = {"xatol": 1e-5, "fatol": 1e-8, "maxiter": 4000, "maxfev": 4000}


@dataclass(frozen=True)
class TrueEffects:
    """What the lifts would be without noise.

    Args:
        mean: Of both effects; 0 unless it was fitted.
        mean_errors: Standard errors of `mean`; 0 unless it was fitted.
        micro_spread: Standard deviation of true effects on the micro-conversion, tS.
        macro_spread: The same of the macro, tY.
        correlation: Of the two, r, in -1..1.
        slope: r tY / tS: macro lift per micro lift, both as logs.
        log_likelihood: At its maximum.
        p_value: Likelihood ratio test of no correlation, one degree of freedom.
    """

    mean: tuple[float, float]
    mean_errors: tuple[float, float]
    micro_spread: float
    macro_spread: float
    correlation: float
    slope: float
    log_likelihood: float
    p_value: float

    @property
    def intercept(self) -> float:
        """Macro effect that belongs to no micro effect; 0 unless the mean was fitted."""
        return self.mean[1] - self.slope * self.mean[0]


def fit_true_effects(effects: Floats, covariances: Floats, free_mean: bool = False) -> TrueEffects:
    """Maximum likelihood of T, and of the mean if it is free.

    Args:
        effects: Experiment × 2: micro, macro.
        covariances: Experiment × 2 × 2.
        free_mean: Whether effects may have a mean, as in the published examples.
    """
    problem = _Problem(effects, covariances, free_mean)
    log_spreads, correlation, height = problem.best()
    _, _, height0 = problem.best(fixed=0.0)
    mean, errors = problem.mean(float(log_spreads[0]), float(log_spreads[1]), correlation)
    spreads = np.exp(log_spreads)
    return TrueEffects(
        mean=(float(mean[0]), float(mean[1])),
        mean_errors=(float(errors[0]), float(errors[1])),
        micro_spread=float(spreads[0]),
        macro_spread=float(spreads[1]),
        correlation=correlation,
        slope=correlation * float(spreads[1] / spreads[0]),
        log_likelihood=height,
        p_value=chi_squared_p(2 * max(height - height0, 0.0), 1),
    )


def correlation_interval(
    effects: Floats, covariances: Floats, fit: TrueEffects, confidence: float = CONFIDENCE
) -> Estimate:
    """The profile likelihood interval of the correlation of true lifts; ± 1 where it is open."""
    problem = _Problem(effects, covariances, free_mean=False)
    fall = normal_quantile(confidence) ** 2 / 2

    def above(atanh: float) -> float:
        return problem.best(fixed=math.tanh(atanh))[2] - (fit.log_likelihood - fall)

    centre = math.atanh(max(min(fit.correlation, 0.999999), -0.999999))
    return Estimate(
        fit.correlation,
        _limit(above, centre, -_LARGEST_ATANH),
        _limit(above, centre, _LARGEST_ATANH),
    )


def _limit(above: Callable[[float], float], centre: float, end: float) -> float:
    if abs(end - centre) < 1e-6 or above(end) >= 0 or above(centre) <= 0:
        return math.copysign(1.0, end)
    return math.tanh(float(brentq(above, centre, end, xtol=1e-3)))


class _Problem:
    """The likelihood of T, the mean profiled out."""

    def __init__(self, effects: Floats, covariances: Floats, free_mean: bool) -> None:
        self.d = np.asarray(effects, dtype=np.float64)
        v = np.asarray(covariances, dtype=np.float64)
        self.v = (v[:, 0, 0], v[:, 0, 1], v[:, 1, 1])
        self.free_mean = free_mean

    def best(self, fixed: float | None = None) -> tuple[Floats, float, float]:
        """Log spreads, correlation and height at the maximum, the correlation perhaps fixed."""
        start = self._start()
        if fixed is not None:
            found = minimize(
                lambda at: -self.height(at[0], at[1], fixed),
                start,
                method="Nelder-Mead",
                options=_OPTIONS,
            )
            return found.x, fixed, -float(found.fun)
        tries = [
            minimize(
                lambda at: -self.height(at[0], at[1], math.tanh(at[2])),
                [*start, atanh],
                method="Nelder-Mead",
                options=_OPTIONS,
            )
            for atanh in self._correlations()
        ]
        found = min(tries, key=lambda one: float(one.fun))
        return found.x[:2], math.tanh(float(found.x[2])), -float(found.fun)

    def height(self, log_s: float, log_y: float, correlation: float) -> float:
        """The log-likelihood; falls off where a spread or a correlation leaves its bounds."""
        if not (min(log_s, log_y) >= _SMALLEST_LOG_SPREAD and max(log_s, log_y) <= 6):
            return -1e12
        a, b, c, det = self._total(log_s, log_y, correlation)
        mean = self._mean(a, b, c, det)[0] if self.free_mean else np.zeros(2)
        x, y = self.d[:, 0] - mean[0], self.d[:, 1] - mean[1]
        distance = (c * x**2 - 2 * b * x * y + a * y**2) / det
        return -0.5 * float(np.sum(np.log(det) + distance + 2 * math.log(2 * math.pi)))

    def mean(self, log_s: float, log_y: float, correlation: float) -> tuple[Floats, Floats]:
        """The mean and its standard errors; zeros unless it is free."""
        if not self.free_mean:
            return np.zeros(2), np.zeros(2)
        return self._mean(*self._total(log_s, log_y, correlation))

    def _mean(self, a: Floats, b: Floats, c: Floats, det: Floats) -> tuple[Floats, Floats]:
        precision = np.array([[(c / det).sum(), -(b / det).sum()], [0.0, (a / det).sum()]])
        precision[1, 0] = precision[0, 1]
        x, y = self.d[:, 0], self.d[:, 1]
        weighted = np.array([((c * x - b * y) / det).sum(), ((a * y - b * x) / det).sum()])
        covariance = np.linalg.inv(precision)
        return covariance @ weighted, np.sqrt(np.diag(covariance))

    def _total(
        self, log_s: float, log_y: float, correlation: float
    ) -> tuple[Floats, Floats, Floats, Floats]:
        s, y = math.exp(log_s), math.exp(log_y)
        a, b, c = self.v[0] + s**2, self.v[1] + correlation * s * y, self.v[2] + y**2
        return a, b, c, np.maximum(a * c - b**2, 1e-300)

    def _start(self) -> Floats:
        """Moments: variance of measured effects less that of noise."""
        centre = self.d.mean(axis=0) if self.free_mean else np.zeros(2)
        total = ((self.d - centre) ** 2).mean(axis=0)
        noise = np.array([self.v[0].mean(), self.v[2].mean()])
        return 0.5 * np.log(np.maximum(total - noise, 0.05 * total + 1e-9))

    def _correlations(self) -> tuple[float, ...]:
        return (0.0, 1.0, -1.0)
