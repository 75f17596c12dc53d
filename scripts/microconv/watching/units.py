"""Numbers in the unit that they are watched in: shares in per cent, money in dollars, days."""

from __future__ import annotations

import math

from microconv.output import interval, percentage

SHARE = "share"

# How a number is written, and what stands behind it.
_SHOWN = {
    "usd": ("{:,.2f}", " USD"),
    "days": ("{:,.1f}", " days"),
    "seconds": ("{:,.0f}", " seconds"),
    "number": ("{:,.2f}", ""),
}


def amount(value: float | None, unit: str = SHARE) -> str:
    """A number in its unit, such as `4.20 %` or `51.30 USD`; a dash where there is none."""
    if unit == SHARE:
        return percentage(value)
    if value is None or not math.isfinite(value):
        return "–"
    number, name = _SHOWN[unit]
    return number.format(value) + name


def amounts(value: float, low: float, high: float, unit: str = SHARE) -> str:
    """A number with its interval, such as `51.30 [48.10, 54.70] USD`; without limits itself."""
    if unit == SHARE:
        return interval(value, low, high)
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return amount(value, unit)
    number, name = _SHOWN[unit]
    return f"{number.format(value)} [{number.format(low)}, {number.format(high)}]{name}"
