"""Reads rows of marts that remember where they come from; never events, never without a bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from microconv.aggregates.literals import literal
from microconv.report.numbers import Numbers, is_missing
from microconv.report.text import Datum, Name, Part, Text, Value, spaced, text
from microconv.writing import beside

if TYPE_CHECKING:
    from microconv.profile import Record, Warehouse
    from microconv.report.scope import Scope

# More rows than this are never asked for; a year of weeks of a hundred KPIs is a quarter of it.
MOST_ROWS = 20_000
# Where visitors have the segments of their first visits.
_FIRST_VISITS = "int_visitors_segmented"


@dataclass(frozen=True)
class Line:
    """A row of a mart: its values, and each of them as text that says where it comes from."""

    mart: str
    key: Mapping[str, Value]
    record: Record
    numbers: Numbers
    among: Mapping[str, str] = field(default_factory=dict)

    def value(self, column: str) -> float | None:
        """A number, or None where there is none to show."""
        found = self.record[column]
        return None if is_missing(found) else float(found)  # type: ignore[arg-type]

    def has(self, *columns: str) -> bool:
        """Whether all of these columns hold a number."""
        return all(self.value(column) is not None for column in columns)

    def words(self, column: str) -> str:
        """A text; nothing for none."""
        found = self.record[column]
        return "" if found is None else str(found)

    def name(self, column: str) -> Name:
        """A text that somebody else wrote."""
        return Name(self.words(column))

    def day(self, column: str) -> date:
        """A date."""
        found = self.record[column]
        assert isinstance(found, date)
        return found

    def shown(self, column: str, style: str) -> Datum:
        """A number in a style: count, share, change, times, money, weeks, span or plain."""
        value = self._number(column)
        formats = {"count": self.numbers.count, "span": self.numbers.span}
        shown = formats[style](value) if style in formats else self.numbers.styled(value, style)
        return Datum(shown, self.record[column], self.mart, self.key, column, self.among)

    def count(self, column: str) -> Datum:
        """A whole number."""
        return self.shown(column, "count")

    def interval(self, column: str, style: str = "share") -> Text:
        """A number with its 95 % interval, whose upper end may be open."""
        number = text(self.shown(column, style))
        if self._number(column) is None:
            return number
        if any(self._number(f"{column}_{end}") is None for end in ("low", "high")):
            return text(number, " (no interval)")
        low, high = (self.shown(f"{column}_{end}", style) for end in ("low", "high"))
        return text(number, " [", low, ", ", high, "]")

    def _number(self, column: str) -> float | None:
        """A number, an infinite one too."""
        found = self.record[column]
        is_number = isinstance(found, int | float) and not math.isnan(found)
        return float(found) if is_number else None  # type: ignore[arg-type]


@dataclass(frozen=True)
class Reader:
    """The marts and what was asked of them."""

    warehouse: Warehouse
    numbers: Numbers
    scope: Scope

    def lines(
        self,
        mart: str,
        keys: Sequence[str],
        columns: Sequence[str],
        where: Mapping[str, Value] | None = None,
        order: str = "",
        most: int = MOST_ROWS,
        also: str = "",
        among: Mapping[str, str] | None = None,
    ) -> list[Line]:
        """Rows of a mart.

        Args:
            mart: A model, or a table that a command wrote beside the marts.
            keys: Columns that name a row, those of `where` included.
            columns: What else is read.
            where: Values of columns that are wanted.
            order: Columns to sort by; the keys come after them.
            most: No more rows than these.
            also: Another condition, in SQL of this package only.
            among: Only visitors whose first visit was of this segment.
        """
        listed = list(dict.fromkeys([*keys, *columns]))
        sorting = ", ".join(part for part in (order, *keys) if part)
        rows = self.warehouse.run_query(
            f"select {', '.join(listed)} from {self._relation(mart)}"
            + self._condition(where, also, among)
            + f" order by {sorting} limit {most}"
        )
        return [Line(mart, {key: row[key] for key in keys}, row, self.numbers) for row in rows]

    def tallies(
        self,
        mart: str,
        by: Sequence[str],
        sums: Sequence[str] = ("count(*)",),
        where: Mapping[str, Value] | None = None,
        among: Mapping[str, str] | None = None,
    ) -> list[Line]:
        """Counts or sums of a mart's rows, such as `count(*)`; a column of the line is the sum."""
        named = [f"{one} as tally_{place}" for place, one in enumerate(sums)]
        rows = self.warehouse.run_query(
            f"select {', '.join([*by, *named])} from {self._relation(mart)}"
            + self._condition(where, among=among)
            + (f" group by {', '.join(by)} order by {', '.join(by)}" if by else "")
            + f" limit {MOST_ROWS}"
        )
        found = []
        for row in rows:
            tallied = {one: row[f"tally_{place}"] for place, one in enumerate(sums)}
            key = {name: row[name] for name in by} | dict(where or {})
            found.append(Line(mart, key, {**key, **tallied}, self.numbers, dict(among or {})))
        return found

    @cached_property
    def labels(self) -> dict[str, str]:
        """What people read for each conversion of the catalog."""
        rows = self.lines("dim_conversions", ("conversion_name",), ("label",))
        return {
            line.words("conversion_name"): line.words("label") or line.words("conversion_name")
            for line in rows
        }

    def label(self, conversion_name: str) -> Name:
        """What people read for a conversion; its name where the catalog no longer has it."""
        return Name(self.labels.get(conversion_name, conversion_name))

    def has_evidence(self, table: str) -> bool:
        """Whether a command has written this table."""
        return self.warehouse.has(beside(self.warehouse, table))

    def told(self, segment: str = "", since: str = "", goal: str = "") -> Text:
        """Whom and which days a card is about, of what was asked for.

        Args:
            segment: Why the card knows no segment; empty where it does.
            since: Why it does not begin on the asked day; empty where it does.
            goal: Why it is the same for every goal; empty where it is not.
        """
        said: list[Part] = []
        if not self.scope.is_everybody:
            said.append(
                f"All visitors: {segment}."
                if segment
                else text("Only ", self.scope.segment_name, ".")
            )
        if self.scope.since is not None:
            said.append(
                f"All loaded days: {since}."
                if since
                else f"Since {self.numbers.day(self.scope.since)}."
            )
        if self.scope.is_goal_asked and goal:
            said.append(f"Any goal: {goal}.")
        return spaced(said)

    def told_of_visitors(self, since: str = "", goal: str = "") -> Text:
        """The same of a card that knows the segments of first visits and no others."""
        why = "" if self.scope.first_visit else "first visits are not divided that way"
        return self.told(segment=why, since=since, goal=goal)

    def _relation(self, mart: str) -> str:
        if mart.startswith("evidence_"):
            return beside(self.warehouse, mart)
        return self.warehouse.relation(mart)

    def _condition(
        self,
        where: Mapping[str, Value] | None,
        also: str = "",
        among: Mapping[str, str] | None = None,
    ) -> str:
        wanted = self._equal(where or {})
        wanted += [also] if also else []
        if among:
            first = f"select visitor_id from {self.warehouse.relation(_FIRST_VISITS)}"
            wanted.append(f"visitor_id in ({first} where {' and '.join(self._equal(among))})")
        return f" where {' and '.join(wanted)}" if wanted else ""

    def _equal(self, values: Mapping[str, Value]) -> list[str]:
        duck = self.warehouse.is_duckdb
        return [f"{name} = {literal(value, duck)}" for name, value in values.items()]
