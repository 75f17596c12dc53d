"""All micro-conversions of one macro judged together: each lag by itself, then for their number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from microconv.aggregates.types import Basis, Conversion
from microconv.evidence.multiplicity import benjamini_hochberg
from microconv.evidence.quantities import two_sided_p
from microconv.evidence.refusal import Refusal
from microconv.evidence.verdict import LEAST_Q
from microconv.lead_lag.read import DailyRates, Delay
from microconv.watching.lead_lag import (
    MOST_LAG_DAYS,
    MOST_LAG_WEEKS,
    LagVerdict,
    LeadLag,
    lead_lag,
)

REFUSED = "refused"
_ORDER = (LagVerdict.LEADS, LagVerdict.COINCIDENT, LagVerdict.LAGS, LagVerdict.NO_EVIDENCE)


@dataclass(frozen=True)
class Pair:
    """One micro-conversion beside the macro.

    Args:
        micro_name: It.
        found: What the daily rates say of the two alone, or why they say nothing.
        delay: How long single visitors take.
        q_value: Of "no lag at all", among all micro-conversions of the macro.
    """

    micro_name: str
    found: LeadLag | Refusal
    delay: Delay
    q_value: float = math.nan

    @property
    def p_value(self) -> float:
        """Of the largest |z| of so many lags, where nothing is related; NaN if refused."""
        if isinstance(self.found, Refusal):
            return math.nan
        most = MOST_LAG_DAYS if self.found.unit == "day" else MOST_LAG_WEEKS
        return -math.expm1((2 * most + 1) * math.log1p(-two_sided_p(self.found.z)))

    @property
    def is_withheld(self) -> bool:
        """Clear by itself, but not among so many: some pair of many always looks clear."""
        return (
            isinstance(self.found, LeadLag)
            and self.found.verdict is not LagVerdict.NO_EVIDENCE
            and not self.q_value < LEAST_Q
        )

    @property
    def verdict(self) -> str:
        """What is said; the reason of a refusal is `found`."""
        if isinstance(self.found, Refusal):
            return REFUSED
        return str(LagVerdict.NO_EVIDENCE if self.is_withheld else self.found.verdict)


@dataclass(frozen=True)
class MacroLags:
    """All pairs of a macro, leads first."""

    basis: Basis
    pairs: tuple[Pair, ...]

    @property
    def family(self) -> int:
        """How many pairs could be judged."""
        return sum(isinstance(pair.found, LeadLag) for pair in self.pairs)


def judge_macro(
    basis: Basis,
    conversions: Mapping[str, Conversion],
    daily: DailyRates,
    delays: Mapping[str, Delay],
) -> MacroLags:
    """Every micro-conversion of the catalog against one macro."""
    y = daily.rates.get(basis.macro_name)
    pairs = []
    for name, one in sorted(conversions.items()):
        if one.conversion_type != "micro":
            continue
        x = daily.rates.get(name)
        found: LeadLag | Refusal = (
            Refusal.because("There is no complete day on which both were recorded.")
            if x is None or y is None
            else lead_lag(x, y, daily.holidays)
        )
        pairs.append(Pair(name, found, delays.get(name, Delay())))
    q_values = benjamini_hochberg([pair.p_value for pair in pairs])
    judged = [replace(pair, q_value=float(q)) for pair, q in zip(pairs, q_values, strict=True)]
    return MacroLags(basis, tuple(sorted(judged, key=_rank)))


def _rank(pair: Pair) -> tuple[int, float, str]:
    names = [str(verdict) for verdict in _ORDER]
    place = names.index(pair.verdict) if pair.verdict in names else len(names)
    size = 0.0 if isinstance(pair.found, Refusal) else -abs(pair.found.z)
    return (place, size, pair.micro_name)
