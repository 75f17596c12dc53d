"""What a report is about: macro-conversion, segment and first day, as they were asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from microconv.aggregates.literals import literal
from microconv.errors import MicroconvError
from microconv.report.text import Name, Text, text
from microconv.summary_data import main_macro

if TYPE_CHECKING:
    from microconv.profile import Warehouse

EVERYBODY = "all"
DIMENSIONS = {
    "device_category": "Device",
    "channel_group": "Channel",
    "session_source": "Source",
    "visitor_type": "New or returning",
    "country": "Country",
    "region": "Region",
    "landing_page_path": "Landing page",
}
_SHOWN_CHOICES = 12
# What visitors are divided by at their first visit, by the dimension of sessions.
_FIRST_VISIT = {
    "device_category": "device_category",
    "channel_group": "first_touch_channel_group",
    "session_source": "first_touch_source",
}


@dataclass(frozen=True)
class Scope:
    """What the page is about.

    Args:
        macro_name: The macro-conversion of cards about one; empty where the catalog has none.
        macro_label: What people read for it.
        dimension, segment: The segment of cards that know segments; `all` for everybody.
        since: The first day of what is dated; None for all loaded days.
        first_date, last_date: The loaded days.
        minimum: Groups smaller than this have no rates.
        is_goal_asked: Whether the macro-conversion was chosen rather than found.
    """

    macro_name: str
    macro_label: str
    dimension: str
    segment: str
    since: date | None
    first_date: date
    last_date: date
    minimum: int
    is_goal_asked: bool = False

    @property
    def is_everybody(self) -> bool:
        """Whether no segment was asked for."""
        return self.dimension == EVERYBODY

    @property
    def goal(self) -> Name:
        """The macro-conversion as people read it."""
        return Name(self.macro_label)

    @property
    def where(self) -> dict[str, str]:
        """The columns that choose the segment in a mart."""
        return {"segment_dimension": self.dimension, "segment_value": self.segment}

    @property
    def segment_name(self) -> Text:
        """The segment that was asked for."""
        return text(f"{DIMENSIONS.get(self.dimension, self.dimension)}: ", Name(self.segment))

    @property
    def first_visit(self) -> dict[str, str]:
        """The segment as one of first visits; empty for everybody, and where there is none."""
        known = _FIRST_VISIT.get(self.dimension)
        return {known: self.segment} if known else {}

    @property
    def first_visit_where(self) -> dict[str, str]:
        """The columns that choose it in a mart of visitors by their first visits."""
        [(dimension, value)] = (self.first_visit or {EVERYBODY: EVERYBODY}).items()
        return {"segment_dimension": dimension, "segment_value": value}

    @property
    def begin(self) -> date:
        """The first day of trends."""
        return max(self.since, self.first_date) if self.since else self.first_date

    def is_whole_week(self, start: date) -> bool:
        """Whether all days of the week that begins here are loaded and asked for."""
        return self.begin <= start and start + timedelta(days=6) <= self.last_date


def find_scope(
    warehouse: Warehouse, macro: str | None, segment: str | None, since: date | None
) -> Scope:
    """What was asked for, as far as the marts know it.

    Raises:
        MicroconvError: No such macro-conversion, segment or day.
    """
    [loaded] = warehouse.run_query(
        f"select first_date, as_of_date from {warehouse.relation('int_export_as_of')}"
    )
    first, last = loaded["first_date"], loaded["as_of_date"]
    if not isinstance(first, date) or not isinstance(last, date):
        raise MicroconvError("No day of an export is loaded.", "Run `microconv check`.")
    name, label = _macro(warehouse, macro)
    dimension, value = _segment(warehouse, segment)
    variables = warehouse.config.vars.to_dict()
    return Scope(
        macro_name=name,
        macro_label=label,
        dimension=dimension,
        segment=value,
        since=_since(since, last),
        first_date=first,
        last_date=last,
        minimum=int(variables.get("minimum_group_size", 30)),
        is_goal_asked=macro is not None,
    )


def _macro(warehouse: Warehouse, asked: str | None) -> tuple[str, str]:
    labels = {
        str(row["conversion_name"]): str(row["label"] or row["conversion_name"])
        for row in warehouse.run_query(f"""
            select conversion_name, label from {warehouse.relation("dim_conversions")}
            where conversion_type = 'macro' order by conversion_name
        """)
    }
    if asked is None:
        found = [str(row["conversion_name"]) for row in warehouse.run_query(main_macro(warehouse))]
        return (found[0], labels[found[0]]) if found else ("", "")
    if asked not in labels:
        known = ", ".join(labels) or "none"
        raise MicroconvError(f"There is no macro-conversion “{asked}”; there are {known}.")
    return asked, labels[asked]


def _segment(warehouse: Warehouse, asked: str | None) -> tuple[str, str]:
    if asked is None:
        return EVERYBODY, EVERYBODY
    dimension, found, value = asked.partition("=")
    if not found:
        raise MicroconvError(
            f"“{asked}” is no segment.", "Example: --segment device_category=mobile"
        )
    mart = warehouse.relation("mart_segment_conversions")
    if dimension not in DIMENSIONS:
        raise MicroconvError(
            f"There are no segments by “{dimension}”; there are {', '.join(DIMENSIONS)}."
        )
    rows = warehouse.run_query(f"""
        select segment_value, max(session_count) as session_count from {mart}
        where period_grain = 'all'
            and segment_dimension = {literal(dimension, warehouse.is_duckdb)}
        group by segment_value
        order by session_count desc, segment_value
    """)
    known = [str(row["segment_value"]) for row in rows]
    if value not in known:
        listed = ", ".join(known[:_SHOWN_CHOICES]) + (" …" if len(known) > _SHOWN_CHOICES else "")
        raise MicroconvError(f"{dimension} has no segment “{value}”; it has {listed or 'none'}.")
    return dimension, value


def _since(day: date | None, last: date) -> date | None:
    if day and day > last:
        raise MicroconvError(f"{day} lies after the last loaded day, {last}.")
    return day
