"""The rules of feedback_events: where an answer lies, and what scale its rating is on."""

from __future__ import annotations

from microconv.check.cells import number_of
from microconv.check.problems import quoted
from microconv.check.table import Row, Table, refuse_repeats

_FIELDS = ("answer_field", "rating_field")
_SCALE = ("rating_min", "rating_max")


def check_feedback_events(table: Table) -> None:
    """Note what is wrong in the list of feedback by itself."""
    refuse_repeats(table, ["feedback_name"], "kind of feedback")
    for row in table.rows:
        if row.get("event_name") == "*":
            table.refuse(
                "Without a name every event would be an answer.",
                "Name the event of the survey.",
                row,
                "event_name",
            )
        if set(_FIELDS) <= set(table.columns) and not any(row.get(name) for name in _FIELDS):
            table.refuse(
                f"{quoted(row.get('feedback_name'))} has neither an answer nor a rating.",
                "Say where one of them stands, such as 'param:answer'.",
                row,
                "answer_field",
            )
        _check_scale(table, row)


def _check_scale(table: Table, row: Row) -> None:
    if not {*_SCALE, "rating_field"} <= set(table.columns):
        return
    for name in _SCALE:
        if row.get("rating_field") and not row.get(name):
            table.refuse(
                "The rating has no scale.",
                "Write its smallest and its largest number, such as 1 and 5.",
                row,
                name,
            )
        elif row.get(name) and not row.get("rating_field"):
            table.refuse(
                "There is no rating to be on this scale.",
                "Leave it empty, or say where the rating stands.",
                row,
                name,
            )
    worst, best = (number_of(row.get(name)) for name in _SCALE)
    if worst is not None and best is not None and best <= worst:
        table.refuse(
            f"The scale ends at {best}, where it begins at {worst} or before.",
            "Let rating_max be the larger number, whichever is the better one.",
            row,
            "rating_max",
        )
