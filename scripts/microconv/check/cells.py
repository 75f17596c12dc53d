"""Checks one cell against its column: required, kind, allowed words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache

from microconv.check.engine import engine, sql_text
from microconv.check.problems import allowed_words, quoted
from microconv.check.schema import (
    DISTINCT_COLUMNS,
    FIELD_PREFIXES,
    ITEM_FIELDS,
    STAGED_FIELDS,
    Column,
)
from microconv.check.table import Row, Table

# A message and its remedy, or None when the cell is right.
Finding = tuple[str, str] | None

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME_SPAN = re.compile(r"([1-9][0-9]{0,5}) (minutes?|hours?|days?)")
_HOSTNAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
# `numeric` in a seed is DECIMAL(18, 3) on DuckDB: anything finer or larger would be changed without
# a word.
_DECIMALS = 3
_LARGEST = Decimal(10) ** 12


def check_cells(table: Table, columns: tuple[Column, ...]) -> None:
    """Note every cell of the table that its column does not allow."""
    for row in table.rows:
        for column in columns:
            if column.name not in table.columns:
                continue
            finding = check_cell(row, column)
            if finding:
                table.refuse(*finding, row=row, column=column.name)


def check_cell(row: Row, column: Column) -> Finding:
    """What is wrong with one cell, if anything."""
    value = row.get(column.name)
    # The value of a rule may well begin or end with a space; a name that does would never be found.
    if value != value.strip() and column.name != "value":
        return "The value begins or ends with a space.", "Delete the space."
    if not value:
        return ("A value is missing.", _expectation(column)) if column.required else None
    return _CHECKS[column.kind](value, column)


def number_of(text: str) -> Decimal | None:
    """The number in a cell, None when it is not one that both warehouses read alike."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def integer_of(text: str) -> int | None:
    """The whole number in a cell, None when it is not one."""
    return int(text) if _INTEGER.fullmatch(text) and len(text) < 16 else None


@lru_cache(maxsize=1024)
def pattern_error(pattern: str) -> str | None:
    """Why RE2 refuses a pattern, None when it does not.

    DuckDB and BigQuery both use RE2, so what DuckDB accepts runs on either.
    """
    import duckdb

    try:
        engine().execute(f"select regexp_matches('', {sql_text(pattern)})").fetchall()
    except duckdb.Error as error:
        return str(error).partition(": ")[2].strip() or str(error)
    return None


def check_pattern(value: str, _: Column | None = None) -> Finding:
    """A regular expression must be one that RE2 reads."""
    reason = pattern_error(value)
    if reason is None:
        return None
    return (
        f"{quoted(value)} is not a regular expression: {reason}.",
        "Allowed: RE2 syntax (github.com/google/re2/wiki/Syntax), which has no look-around "
        "and no back-references.",
    )


def _expectation(column: Column) -> str:
    if column.allowed:
        return f"Allowed: {', '.join(column.allowed)}."
    return "Every row needs one."


def _check_text(value: str, column: Column) -> Finding:
    return None


def _check_name(value: str, column: Column) -> Finding:
    if _NAME.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a name.",
        "Allowed: lower-case letters, digits and underscores, beginning with a letter, such "
        "as 'add_to_cart'.",
    )


def _check_choice(value: str, column: Column) -> Finding:
    if value not in column.allowed:
        return f"{quoted(value)} is not a {column.name}.", allowed_words(value, column.allowed)
    return None


def _check_integer(value: str, column: Column) -> Finding:
    if integer_of(value) is None:
        return f"{quoted(value)} is not a whole number.", "Allowed: digits only, such as 1."
    return _check_bounds(Decimal(value), column)


def _check_number(value: str, column: Column) -> Finding:
    number = number_of(value)
    if number is None:
        return (
            f"{quoted(value)} is not a number.",
            "Allowed: digits with a decimal point, such as 7 or 0.5.",
        )
    if abs(number) >= _LARGEST or number != round(number, _DECIMALS):
        return (
            f"{quoted(value)} cannot be stored exactly.",
            "Allowed: up to 12 digits and 3 decimals.",
        )
    return _check_bounds(number, column)


def _check_bounds(number: Decimal, column: Column) -> Finding:
    if column.above is not None and number <= column.above:
        return f"{column.name} is {number}.", f"Allowed: numbers above {column.above}."
    if column.at_least is not None and number < column.at_least:
        return f"{column.name} is {number}.", f"Allowed: {column.at_least} or more."
    return None


def _check_date(value: str, column: Column) -> Finding:
    try:
        if _ISO_DATE.fullmatch(value):
            date.fromisoformat(value)
            return None
    except ValueError:
        pass
    return f"{quoted(value)} is not a date.", "Allowed: dates as YYYY-MM-DD, such as 2026-05-31."


def _check_value_rule(value: str, column: Column) -> Finding:
    amount = value.removeprefix("fixed:")
    if value in ("none", "revenue", "event_value"):
        return None
    if amount != value and number_of(amount) is not None and not amount.startswith("-"):
        return None
    return (
        f"{quoted(value)} is not a value rule.",
        allowed_words(
            value, ("none", "revenue", "event_value", "fixed:<US dollars, such as fixed:4.50>")
        ),
    )


def _check_field(value: str, column: Column) -> Finding:
    prefix = next((prefix for prefix in FIELD_PREFIXES if value.startswith(prefix)), None)
    if prefix is None:
        if value in STAGED_FIELDS:
            return None
        choices = (*STAGED_FIELDS, "param:<key>", "user_property:<key>", "item:<field>")
        return f"{quoted(value)} is not a field.", allowed_words(value, choices)
    key = value.removeprefix(prefix)
    if not key:
        return (
            f"{quoted(value)} names no key.",
            f"Write the key behind the colon, such as '{prefix}key'.",
        )
    if prefix == "item:" and key not in ITEM_FIELDS:
        return f"{quoted(key)} is not a field of an item.", allowed_words(key, ITEM_FIELDS)
    return None


def _check_distinct_field(value: str, column: Column) -> Finding:
    if value in DISTINCT_COLUMNS:
        return None
    finding = _check_field(value, column)
    if finding is None or value.startswith(FIELD_PREFIXES):
        return finding
    choices = (*DISTINCT_COLUMNS, *STAGED_FIELDS, "param:<key>", "item:<field>")
    return f"{quoted(value)} is not a field.", allowed_words(value, choices)


def _check_event_field(value: str, column: Column) -> Finding:
    if value.startswith("item:"):
        return (
            f"{quoted(value)} is of one item, and what is asked for is of the whole event.",
            "Allowed: param:<key>, user_property:<key> or a staged column.",
        )
    return _check_field(value, column)


def _check_time_span(value: str, column: Column) -> Finding:
    if value == "session" or _TIME_SPAN.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a span of time.",
        "Allowed: session, or a whole number of minutes, hours or days, such as '24 hours' "
        "or '7 days'.",
    )


def _check_hostname(value: str, column: Column) -> Finding:
    if _HOSTNAME.fullmatch(value):
        return None
    return (
        f"{quoted(value)} is not a hostname.",
        "Allowed: lower case without protocol, port or path, such as 'shop.example.com'.",
    )


_CHECKS: dict[str, Callable[[str, Column], Finding]] = {
    "text": _check_text,
    "name": _check_name,
    "choice": _check_choice,
    "integer": _check_integer,
    "number": _check_number,
    "date": _check_date,
    "pattern": check_pattern,
    "value_rule": _check_value_rule,
    "field": _check_field,
    "hostname": _check_hostname,
    "distinct_field": _check_distinct_field,
    "event_field": _check_event_field,
    "time_span": _check_time_span,
}
