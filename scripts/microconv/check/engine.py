"""One DuckDB in memory for everything a check asks of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@lru_cache(maxsize=1)
def engine() -> duckdb.DuckDBPyConnection:
    """The connection, opened at the first use because importing DuckDB takes a moment."""
    import duckdb

    return duckdb.connect()


def sql_text(value: str) -> str:
    """The value as an SQL literal. Bound parameters would import pandas, which takes seconds."""
    return "'" + value.replace("'", "''") + "'"
