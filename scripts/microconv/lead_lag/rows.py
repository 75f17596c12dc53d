"""Leads and lags as flat rows: for CSV, JSON and the table that is written back."""

from __future__ import annotations

import math
from collections.abc import Mapping

from microconv.aggregates.types import Conversion
from microconv.correlate.columns import ORIGIN, of_kind
from microconv.correlate.rows import origin_of
from microconv.correlate.words import label_of
from microconv.evidence.refusal import Refusal
from microconv.lead_lag.family import REFUSED, MacroLags, Pair
from microconv.lead_lag.words import sentences_of
from microconv.watching.lead_lag import LagVerdict, LeadLag
from microconv.writing import Row

TABLE = "evidence_lead_lag"

COLUMNS = {
    **of_kind("text", "macro_name", "micro_name", "micro_label", "verdict", "verdict_alone"),
    "lag_unit": "text",
    **of_kind("integer", "lag", "lag_low", "lag_high"),
    **of_kind("number", "correlation", "z", "z_limit", "p_value", "q_value"),
    "lags_above_limit": "text",
    "period_count": "integer",
    "is_low_power": "truth",
    "autoregression_order": "integer",
    **of_kind("number", "granger_f", "granger_p_value", "clark_west_t"),
    "is_forecast_better": "truth",
    "median_delay_seconds": "number",
    "delay_visitor_count": "integer",
    "delay_funnel_name": "text",
    "onset_days": "number",
    "sentence": "text",
    **ORIGIN,
}


def lead_lag_rows(found: MacroLags, conversions: Mapping[str, Conversion], run: str) -> list[Row]:
    """A row per micro-conversion, leads first."""
    macro = found.basis.macro_name
    return [
        {
            "macro_name": macro,
            "micro_name": pair.micro_name,
            "micro_label": label_of(pair.micro_name, conversions),
            "verdict": pair.verdict,
            "verdict_alone": REFUSED
            if isinstance(pair.found, Refusal)
            else str(pair.found.verdict),
            **_lag(pair),
            "median_delay_seconds": pair.delay.median_seconds,
            "delay_visitor_count": round(pair.delay.reached) if pair.delay.funnel else None,
            "delay_funnel_name": pair.delay.funnel or None,
            "onset_days": pair.delay.onset_days,
            "sentence": " ".join(sentences_of(pair, macro, conversions, found.family)),
            **origin_of(found.basis, run),
        }
        for pair in found.pairs
    ]


def _lag(pair: Pair) -> Row:
    found = pair.found if isinstance(pair.found, LeadLag) else None
    if found is None:
        names = [name for name in COLUMNS if name not in ORIGIN]
        start, end = names.index("lag_unit"), names.index("median_delay_seconds")
        return dict.fromkeys(names[start:end])
    is_said = pair.verdict != LagVerdict.NO_EVIDENCE
    # Whoever reads the table must not find a lag that the verdict says is none.
    lag = found.best_lag if is_said else None
    is_day_off = lag is not None and lag != 0
    return {
        "lag_unit": found.unit,
        "lag": lag,
        "lag_low": lag - is_day_off if lag is not None else None,
        "lag_high": lag + is_day_off if lag is not None else None,
        "correlation": found.r,
        "z": found.z,
        "z_limit": found.limit,
        "p_value": pair.p_value,
        "q_value": pair.q_value,
        "lags_above_limit": ", ".join(map(str, found.lags_above)) if is_said else "",
        "period_count": found.periods,
        "is_low_power": found.is_low_power,
        "autoregression_order": found.order,
        "granger_f": found.granger.f if found.granger else math.nan,
        "granger_p_value": found.granger.p_value if found.granger else math.nan,
        "clark_west_t": found.forecast.t if found.forecast else math.nan,
        "is_forecast_better": found.forecast.is_better if found.forecast else None,
    }
