"""The rules of audience_moments: what begins a moment, what ends it, and when it is forgotten."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from microconv.check.cells import number_of
from microconv.check.problems import quoted
from microconv.check.table import Row, Table, refuse_repeats

# All rows of a moment say the same here.
_OF_THE_MOMENT = ("label", "stall_hours", "expire_days")
_HOURS_A_DAY = 24


def check_moments(table: Table) -> None:
    """Note what is wrong in the list of moments by itself."""
    refuse_repeats(table, ["moment", "conversion_name"], "conversion of the moment")
    rows_of: dict[str, list[Row]] = defaultdict(list)
    for row in table.rows:
        if row.get("moment"):
            rows_of[row.get("moment")].append(row)
    for moment, rows in rows_of.items():
        _check_sameness(table, moment, rows)
        _check_times(table, rows[0])
        _check_roles(table, moment, rows)


def _check_sameness(table: Table, moment: str, rows: Sequence[Row]) -> None:
    first = rows[0]
    for row in rows[1:]:
        for name in _OF_THE_MOMENT:
            if row.get(name) != first.get(name):
                table.refuse(
                    f"Row {first.line} of {quoted(moment)} has {quoted(first.get(name))} here.",
                    "Make it the same in all rows of the moment.",
                    row,
                    name,
                )


def _check_times(table: Table, row: Row) -> None:
    hours, days = number_of(row.get("stall_hours")), number_of(row.get("expire_days"))
    if hours is not None and days is not None and days * _HOURS_A_DAY <= hours:
        table.refuse(
            f"The moment is forgotten after {days} days, before anybody has stalled.",
            f"Allowed: more than the {hours} hours of stall_hours.",
            row,
            "expire_days",
        )


def _check_roles(table: Table, moment: str, rows: Sequence[Row]) -> None:
    if "role" not in table.columns or not table.is_complete:
        return
    roles = {row.get("role") for row in rows}
    for role, lack in (("started", "begins"), ("finished", "ends")):
        if role not in roles:
            table.refuse(
                f"Nothing {lack} the moment {quoted(moment)}.",
                f"Add a row with the role '{role}'.",
                rows[0],
                "role",
            )
