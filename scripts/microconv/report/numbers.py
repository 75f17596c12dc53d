"""Numbers, dates and spans of time as a reader of a locale writes them."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, get_day_names, get_month_names
from babel.numbers import format_currency, format_decimal

from microconv.errors import MicroconvError

NONE = "–"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class Numbers:
    """Formats for one locale, such as `en` or `de_CH`.

    Raises:
        MicroconvError: There is no such locale.
    """

    def __init__(self, locale: str) -> None:
        try:
            self.locale = Locale.parse(locale.replace("-", "_"))
        except (UnknownLocaleError, ValueError, TypeError) as error:
            raise MicroconvError(
                f"There is no locale “{locale}”.", "Examples: en, en_GB, de, de_CH, fr, pt_BR."
            ) from error

    def count(self, value: float | None) -> str:
        """A whole number with the locale's separators."""
        return NONE if is_missing(value) else self.decimal(value, 0)

    def decimal(self, value: float | None, digits: int = 2) -> str:
        """A number with so many digits after the point."""
        if value is None or math.isnan(value):
            return NONE
        if math.isinf(value):
            return "∞" if value > 0 else "-∞"
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(value, format=pattern, locale=self.locale))

    def share(self, value: float | None) -> str:
        """A share of 0..1 in per cent, with three digits that say something."""
        if value is None or is_missing(value):
            return NONE
        percent = 100 * value
        text = self.decimal(percent, 1 if abs(percent) >= 10 or percent == 0 else 2)
        return self._percent(text)

    def change(self, value: float | None) -> str:
        """A relative change in per cent, with its sign."""
        shown = self.share(value)
        return f"+{shown}" if value is not None and not is_missing(value) and value > 0 else shown

    def edge(self, value: float | None, style: str) -> str:
        """The end of a range that somebody wrote down: no more digits than it has."""
        if value is None or is_missing(value):
            return NONE
        scaled = value * 100 if style == "share" else value
        text = str(format_decimal(round(scaled, 6), format="#,##0.######", locale=self.locale))
        return self._percent(text) if style == "share" else text

    def times(self, value: float | None) -> str:
        """A ratio, such as `1.44×`."""
        if value is None or math.isnan(value):
            return NONE
        digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
        return f"{self.decimal(value, digits)}×"

    def money(self, value: float | None, currency: str = "USD") -> str:
        """An amount of money."""
        if value is None or is_missing(value):
            return self.decimal(value)
        return str(format_currency(value, currency, locale=self.locale))

    def span(self, seconds: float | None) -> str:
        """A span of time in the unit that suits it."""
        if seconds is None or is_missing(seconds):
            return NONE
        for size, unit in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
            if seconds >= size:
                return f"{self.decimal(seconds / size, 1)} {unit}"
        return f"{self.decimal(seconds, 0)} seconds"

    def day(self, value: date) -> str:
        """A date."""
        return str(format_date(value, format="medium", locale=self.locale))

    def styled(self, value: float | None, style: str) -> str:
        """A number in the style that a mart's `measure` names."""
        if style == "share":
            return self.share(value)
        if style == "times":
            return self.times(value)
        if style == "money":
            return self.money(value)
        if style == "weeks":
            return self.decimal(value, 1)
        if style == "change":
            return self.change(value)
        return self.decimal(value)

    def chart_numbers(self) -> dict[str, Any]:
        """The locale for the numbers at a chart's axes, as d3 wants it."""
        symbols = self.locale.number_symbols["latn"]
        percent = self._percent("")
        return {
            "decimal": symbols["decimal"],
            "thousands": symbols["group"],
            "grouping": [3],
            "currency": ["$", ""],
            "percent": percent,
        }

    def chart_day(self) -> str:
        """How a day and its month stand at a chart's axis, as d3 wants it."""
        pattern = str(self.locale.datetime_skeletons["MMMd"].pattern)
        parts = {"MMMM": "%B", "MMM": "%b", "M": "%-m", "d": "%-d"}
        # What stands between quotes means itself.
        return re.sub(
            "'([^']*)'|M+|d", lambda found: parts.get(found.group(), found.group(1) or ""), pattern
        )

    def chart_dates(self) -> dict[str, Any]:
        """The locale for the dates at a chart's axes, as d3 wants it."""
        weekdays = [6, 0, 1, 2, 3, 4, 5]
        days, short_days = (
            get_day_names("wide", locale=self.locale),
            get_day_names("abbreviated", locale=self.locale),
        )
        months, short_months = (
            get_month_names("wide", locale=self.locale),
            get_month_names("abbreviated", locale=self.locale),
        )
        return {
            "dateTime": "%x, %X",
            "date": "%x",
            "time": "%X",
            "periods": ["AM", "PM"],
            "days": [days[one] for one in weekdays],
            "shortDays": [short_days[one] for one in weekdays],
            "months": [months[one] for one in range(1, 13)],
            "shortMonths": [short_months[one] for one in range(1, 13)],
        }

    def _percent(self, text: str) -> str:
        pattern = self.locale.percent_formats[None].pattern
        between = pattern.partition("%")[0].lstrip("#,0.")
        return f"{text}{between}%"


def is_missing(value: object) -> bool:
    """Whether there is no number that could be shown."""
    return not isinstance(value, int | float) or not math.isfinite(value)
