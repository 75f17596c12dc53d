"""Values as SQL literals of DuckDB and BigQuery: what a user wrote can never end the literal."""

from __future__ import annotations

import math
from datetime import date


def literal(value: str | float | int | bool | date | None, is_duckdb: bool) -> str:
    """A value as it stands in a statement; a number that is not finite is NULL.

    Args:
        value: Text, number, truth, date or None.
        is_duckdb: For DuckDB; else for BigQuery.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # Not numpy's own float, whose name would stand there too.
        return repr(float(value))
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return _duckdb_text(value) if is_duckdb else _bigquery_text(value)


def _duckdb_text(value: str) -> str:
    # In DuckDB a quote is the only character that means something inside a literal; it cannot hold
    # a NUL.
    return "'" + value.replace("\0", "").replace("'", "''") + "'"


def _bigquery_text(value: str) -> str:
    # What could end the literal or not stand in it is written as its number; a lone surrogate,
    # which cannot be sent, as the replacement character.
    def escaped(character: str) -> str:
        code = ord(character)
        if character in "\\'\"`" or code < 32 or code == 127:
            return f"\\x{code:02x}"
        if 0xD800 <= code < 0xE000:
            return "\\ufffd"
        return character

    return "'" + "".join(escaped(character) for character in value) + "'"
