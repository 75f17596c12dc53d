"""The rules inside each seed: what rows of one list must be to each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from microconv.check.cells import check_cells, check_pattern, integer_of, number_of
from microconv.check.derived import check_requirements
from microconv.check.experiments import check_experiment_events, check_experiment_variants
from microconv.check.feedback import check_feedback_events
from microconv.check.funnels import check_funnel_steps, check_funnels
from microconv.check.moments import check_moments
from microconv.check.problems import quoted
from microconv.check.schema import (
    EXISTENCE_OPERATORS,
    INGREDIENT,
    NUMERIC_OPERATORS,
    SEEDS,
    TEXT_FIELDS,
    TEXT_ITEM_FIELDS,
)
from microconv.check.table import Row, Table, refuse_repeats

_TEXT_ONLY = {*TEXT_FIELDS, *(f"item:{name}" for name in TEXT_ITEM_FIELDS)}


def check_table(table: Table) -> None:
    """Note everything in one seed that is wrong by itself, without looking at the other seeds."""
    check_cells(table, tuple(SEEDS[table.name]))
    rules = _TABLE_RULES.get(table.name)
    if rules:
        rules(table)


def _check_catalog(table: Table) -> None:
    refuse_repeats(table, ["conversion_name"], "conversion")
    for row in table.rows:
        kind, supported = row.get("conversion_type"), row.get("supports")
        if "supports" not in table.columns:
            continue
        if kind == INGREDIENT:
            _check_ingredient(table, row)
        if kind == "micro" and not supported:
            table.refuse(
                "A micro-conversion supports nothing.",
                "Name the macro-conversion it leads to.",
                row,
                "supports",
            )
        if kind == "macro" and supported:
            table.refuse(
                "A macro-conversion supports another conversion.",
                "Leave it empty: a macro is a goal.",
                row,
                "supports",
            )


def _check_ingredient(table: Table, row: Row) -> None:
    """An ingredient is counted nowhere, so what it is given would be lost without a word."""
    for column, nothing in (("value_rule", "none"), ("lead_points", "0")):
        if column in table.columns and row.get(column) and row.get(column) != nothing:
            table.refuse(
                "An ingredient is counted by itself nowhere, so this would never be added.",
                f"Write {nothing} here, and give it to the derived conversion.",
                row,
                column,
            )
    if row.get("supports"):
        table.refuse(
            "An ingredient supports another conversion.",
            "Leave it empty: the derived conversion supports one.",
            row,
            "supports",
        )


def _check_rules(table: Table) -> None:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for row in table.rows:
        _check_condition(table, row)
        groups[(row.get("conversion_name"), row.get("rule_group"))].append(row)
        first = seen.setdefault(tuple(row.cells.items()), row.line)
        if first != row.line:
            table.refuse(f"The row repeats row {first}.", "Delete it.", row)
    for (conversion, number), rows in groups.items():
        _check_group(table, conversion, number, rows)


def _check_condition(table: Table, row: Row) -> None:
    """A condition needs field, operator and value, and a value the operator can use."""
    field, operator, value = row.get("field"), row.get("operator"), row.get("value")
    if bool(field) != bool(operator):
        empty = "operator" if field else "field"
        if empty in table.columns:
            table.refuse(
                f"The condition has no {empty}.",
                "Fill in both field and operator, or leave both empty to let the event name "
                "decide.",
                row,
                empty,
            )
    elif operator in EXISTENCE_OPERATORS or not field:
        if value:
            why = (
                f"'{operator}' compares with nothing"
                if operator
                else "There is no field to compare with"
            )
            table.refuse(
                f"{why}, so the value is not used.", "Leave the value empty.", row, "value"
            )
    elif not value:
        if "value" in table.columns:
            table.refuse(
                f"'{operator}' needs a value.",
                "Write what the field is compared with.",
                row,
                "value",
            )
    else:
        _check_comparison(table, row, field, operator, value)


def _check_comparison(table: Table, row: Row, field: str, operator: str, value: str) -> None:
    if operator in NUMERIC_OPERATORS and field in _TEXT_ONLY:
        table.refuse(
            f"'{operator}' compares numbers, but {field} holds text.",
            "Use equals, contains or matches.",
            row,
            "operator",
        )
    elif operator in NUMERIC_OPERATORS and number_of(value) is None:
        table.refuse(
            f"'{operator}' compares numbers, but {quoted(value)} is not one.",
            "Allowed: digits with a decimal point, such as 90.",
            row,
            "value",
        )
    elif operator == "matches":
        finding = check_pattern(value)
        if finding:
            table.refuse(*finding, row=row, column="value")
    elif operator == "in" and not all(part.strip() for part in value.split("|")):
        table.refuse(
            "A value of the list is empty.",
            "Separate values by one |, such as 'a|b'.",
            row,
            "value",
        )
    elif value.lower() == "null":
        # dbt loads this word as an empty cell on BigQuery.
        table.refuse(
            "The word null cannot be compared with.", "Use is_set or is_not_set.", row, "value"
        )


def _check_group(table: Table, conversion: str, number: str, rows: list[Row]) -> None:
    first = rows[0].get("event_name")
    for row in rows[1:]:
        if row.get("event_name") and first and row.get("event_name") != first:
            table.refuse(
                f"Rule group {number} of {quoted(conversion)} names '{first}' in row "
                f"{rows[0].line} and another event"
                " here; one event can never be both.",
                "Use the same event_name, or another rule_group for 'or'.",
                row,
                "event_name",
            )
    if first == "*" and "field" in table.columns and not any(row.get("field") for row in rows):
        table.refuse(
            f"Without a condition every event would be {quoted(conversion)}.",
            "Add a condition, or name the event instead of *.",
            rows[0],
            "event_name",
        )


def _check_channel_groups(table: Table) -> None:
    refuse_repeats(table, ["priority"], "priority")
    patterns = ("source_pattern", "medium_pattern", "campaign_pattern")
    ranked = [row for row in table.rows if integer_of(row.get("priority")) is not None]
    if not set(patterns) <= set(table.columns) or not ranked:
        if table.is_complete and not table.rows:
            table.refuse(
                "The list is empty.",
                "Add at least a last rule with empty patterns, such as Unassigned.",
            )
        return
    ranked.sort(key=lambda row: int(row.get("priority")))
    for row in ranked[:-1]:
        if not any(row.get(pattern) for pattern in patterns):
            table.refuse(
                "The rule matches everything, so the rules after it are never tried.",
                "Give it a pattern, or the largest priority.",
                row,
                "priority",
            )
    if any(ranked[-1].get(pattern) for pattern in patterns):
        table.refuse(
            "The rule with the largest priority has a pattern, so some sessions would have "
            "no channel group.",
            "Add a last rule whose three patterns are empty, such as Unassigned.",
            ranked[-1],
            "priority",
        )


def _check_weights(table: Table) -> None:
    refuse_repeats(table, ["conversion_name"], "conversion")
    for row in table.rows:
        if (
            row.get("origin") == "learned"
            and not row.get("fitted_on")
            and "fitted_on" in table.columns
        ):
            table.refuse(
                "Learned points do not say when they were fitted.",
                "Write the last day of the data, as YYYY-MM-DD.",
                row,
                "fitted_on",
            )


def _check_hostnames(table: Table) -> None:
    refuse_repeats(table, ["hostname"], "hostname")


def _check_annotations(table: Table) -> None:
    key = ["annotation_date", "what_changed", "where_changed"]
    refuse_repeats(table, key, "change", may_be_empty=["where_changed"])


_TABLE_RULES: dict[str, Callable[[Table], None]] = {
    "conversion_catalog": _check_catalog,
    "conversion_rules": _check_rules,
    "derived_conversions": check_requirements,
    "funnels": check_funnels,
    "funnel_steps": check_funnel_steps,
    "channel_groups": _check_channel_groups,
    "lead_score_weights": _check_weights,
    "audience_moments": check_moments,
    "feedback_events": check_feedback_events,
    "experiment_events": check_experiment_events,
    "experiment_variants": check_experiment_variants,
    "own_hostnames": _check_hostnames,
    "annotations": _check_annotations,
}
