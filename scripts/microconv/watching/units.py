"""Numbers in the unit that they are watched in: shares in per cent, money in dollars, days."""

from __future__ import annotations

import math

from microconv.output import percentage

SHARE = "share"

_SHOWN = {
    "usd": "{:,.2f} USD",
    "days": "{:,.1f} days",
    "seconds": "{:,.0f} seconds",
    "number": "{:,.2f}",
}


def amount(value: float | None, unit: str = SHARE) -> str:
    """A number in its unit, such as `4.20 %` or `51.30 USD`; a dash where there is none."""
    if unit == SHARE:
        return percentage(value)
    return "–" if value is None or not math.isfinite(value) else _SHOWN[unit].format(value)


def amounts(value: float, low: float, high: float, unit: str = SHARE) -> str:
    """A number with its interval, in its unit; without limits only itself."""
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return amount(value, unit)
    return f"{amount(value, unit)} [{amount(low, unit)}, {amount(high, unit)}]"
