"""Does one rate move days before another? A verdict that shared rhythms cannot fake (M10).

Two series that share a weekday, a trend or a random walk correlate at every lag. So both lose their
calendar, then both are filtered by what makes the first one predictable from itself, and only the
largest correlation of all lags speaks, against a limit for that many lags.
Source: Box and Jenkins 1976, chapter 11 (prewhitening).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from microconv.evidence.quantities import Floats, Ints, normal_quantile
from microconv.evidence.refusal import Refusal
from microconv.watching.forecast import ForecastGain, Granger, forecast_gain, granger
from microconv.watching.lead_lag_series import Prepared, prepare
from microconv.watching.series import DailyRate

MOST_LAG_DAYS = 14
MOST_LAG_WEEKS = 6
MOST_ORDER = 7
OUTSIDE_LAGS = 7


class LagVerdict(StrEnum):
    """What the largest correlation of all lags says."""

    LEADS = "leads"
    COINCIDENT = "coincident"
    LAGS = "lags"
    NO_EVIDENCE = "no evidence"


@dataclass(frozen=True)
class CrossCorrelation:
    """Correlations of x, so many periods earlier, with y; both already white or meant as they are.

    Args:
        lag: From -most to most; positive if x moves first.
        r: Correlation of x at t - lag with y at t.
        z: r · sqrt(n - |lag|), about standard normal where nothing is related.
        periods: Of both series, n.
    """

    lag: Ints
    r: Floats
    z: Floats
    periods: int

    @property
    def limit(self) -> float:
        """What |z| must exceed at one of all these lags to be no chance, 95 % for all together."""
        return normal_quantile(float(0.95 ** (1 / len(self.lag))))


@dataclass(frozen=True)
class LeadLag:
    """Whether x moves before y.

    Args:
        verdict: Of the lag with the largest |z|.
        unit: "day" or, where days hold too little, "week".
        periods: Days or weeks that both series share.
        best_lag: The lag with the largest |z|, to be read as ± 1; None without evidence.
        r: Its correlation, negative if the two move against each other.
        z: Its distance in standard deviations of chance.
        limit: What |z| must exceed.
        lags_above: All lags that exceed it.
        is_low_power: Whether the history is short enough to miss most leads.
        order: Of the autoregression that made x white.
        granger: Whether the past of x tells more of y than its own past; for information only.
        forecast: Whether it does on days that were not learned from; only of a lead.
    """

    verdict: LagVerdict
    unit: str
    periods: int
    best_lag: int | None
    r: float
    z: float
    limit: float
    lags_above: tuple[int, ...]
    is_low_power: bool
    order: int
    granger: Granger | None = None
    forecast: ForecastGain | None = None

    @property
    def phrase(self) -> str:
        """The verdict, such as "leads by 3 days (±1)"."""
        if self.verdict in (LagVerdict.LEADS, LagVerdict.LAGS) and self.best_lag is not None:
            size = abs(self.best_lag)
            return f"{self.verdict} by {size} {self.unit}{'s' if size > 1 else ''} (±1)"
        return "is coincident" if self.verdict is LagVerdict.COINCIDENT else str(self.verdict)


def lead_lag(
    x: DailyRate, y: DailyRate, holidays: Collection[date] = (), with_forecast: bool = True
) -> LeadLag | Refusal:
    """Whether x moves before y, by how many days, or why this cannot be said.

    Args:
        x: The rate that may lead, such as carts per session; `standardised` keeps its traffic mix.
        y: The rate or amount per session that may follow. Revenue may be its successes.
        holidays: Days of which nothing is concluded.
        with_forecast: Whether the two checks for information are run as well.
    """
    prepared = prepare(x, y, holidays)
    if isinstance(prepared, Refusal):
        return prepared
    white_x, white_y, order = prewhiten(prepared.x, prepared.y)
    most = MOST_LAG_DAYS if prepared.unit == "day" else MOST_LAG_WEEKS
    found = cross_correlation(white_x, white_y, most)
    best = int(np.argmax(np.abs(found.z)))
    lag = int(found.lag[best])
    is_clear = bool(abs(found.z[best]) > found.limit)
    verdict = _verdict(lag) if is_clear else LagVerdict.NO_EVIDENCE
    checks = _checks(prepared, verdict) if with_forecast else (None, None)
    return LeadLag(
        verdict=verdict,
        unit=prepared.unit,
        periods=len(prepared.x),
        best_lag=lag if is_clear else None,
        r=float(found.r[best]),
        z=float(found.z[best]),
        limit=found.limit,
        lags_above=tuple(found.lag[np.abs(found.z) > found.limit].tolist()),
        is_low_power=prepared.is_short,
        order=order,
        granger=checks[0],
        forecast=checks[1],
    )


def prewhiten(x: Floats, y: Floats, most_order: int = MOST_ORDER) -> tuple[Floats, Floats, int]:
    """Filter both series by the autoregression of x, of the order with the smallest AIC.

    Returns:
        Filtered x and y, shorter by the order, and the order.
    """
    m = len(x) - most_order
    target = x[most_order:]
    lagged = [x[most_order - lag : len(x) - lag] for lag in range(1, most_order + 1)]
    best = math.inf
    chosen: Floats = np.zeros(0)
    for order in range(most_order + 1):
        design = np.column_stack([np.ones(m), *lagged[:order]])
        coefficients, *_ = np.linalg.lstsq(design, target, rcond=None)
        residual = target - design @ coefficients
        criterion = m * math.log(max(float(residual @ residual) / m, 1e-300)) + 2 * (order + 1)
        if criterion < best:
            best, chosen = criterion, np.asarray(coefficients[1:], dtype=np.float64)
    return _filtered(x, chosen), _filtered(y, chosen), len(chosen)


def cross_correlation(x: Floats, y: Floats, most_lag: int) -> CrossCorrelation:
    """Correlations at all lags up to `most_lag` both ways; NaN where a series does not vary."""
    n = len(x)
    dx, dy = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(dx @ dx) * float(dy @ dy))
    lags = np.arange(-most_lag, most_lag + 1)
    products = [
        float(dx[: n - lag] @ dy[lag:]) if lag >= 0 else float(dx[-lag:] @ dy[: n + lag])
        for lag in lags.tolist()
    ]
    r = np.array(products) / scale if scale > 0 else np.full(len(lags), np.nan)
    return CrossCorrelation(lags, r, r * np.sqrt(n - np.abs(lags)), n)


def _filtered(values: Floats, coefficients: Floats) -> Floats:
    order = len(coefficients)
    kept = values[order:].copy()
    for lag, coefficient in enumerate(coefficients.tolist(), start=1):
        kept -= coefficient * values[order - lag : len(values) - lag]
    return kept


def _verdict(lag: int) -> LagVerdict:
    if lag == 0:
        return LagVerdict.COINCIDENT
    return LagVerdict.LEADS if lag > 0 else LagVerdict.LAGS


def _checks(prepared: Prepared, verdict: LagVerdict) -> tuple[Granger | None, ForecastGain | None]:
    tested = granger(prepared.x, prepared.y, OUTSIDE_LAGS)
    if verdict is not LagVerdict.LEADS:
        return tested, None
    return tested, forecast_gain(prepared.x, prepared.y, OUTSIDE_LAGS)
