"""What each statement of a run reads: reads.csv, which tests hold equal to what dbt compiles."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("reads.csv")
FIELDS = ("run", "kind", "name", "statements", "table", "columns", "days")
EXPORT = "export"  # how the raw export's tables are called here
WHOLE = "*"  # all columns of a table


@dataclass(frozen=True)
class TableRead:
    """One table of a statement.

    Args:
        table: Its name; `export` for the raw export.
        columns: Dotted paths.
        is_limited: Whether only open days are read, and so many days more before them.
        days_before: These.
    """

    table: str
    columns: tuple[str, ...]
    is_limited: bool
    days_before: int = 0


@dataclass(frozen=True)
class Statement:
    """Statements that read alike.

    Args:
        run: 'full' or 'daily'.
        kind: 'model', 'replace' (old rows give way to new ones), 'test', 'question' (asked by a
            macro while compiling), or 'validate' (asked by `microconv validate`).
        name: Of the model, or of the first of the tests.
        count: How many statements of a run these are.
        reads: Their tables.
    """

    run: str
    kind: str
    name: str
    count: int
    reads: tuple[TableRead, ...]


def load_statements(file: Path = FILE) -> list[Statement]:
    """The statements of a full and of a daily run, in the order of the file."""
    rows: dict[tuple[str, str, str, int], list[TableRead]] = {}
    with file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            key = (row["run"], row["kind"], row["name"], int(row["statements"]))
            reads = rows.setdefault(key, [])
            if row["table"]:
                columns = tuple(row["columns"].split())
                limit, _, before = row["days"].partition("+")
                is_limited = limit == "open"
                reads.append(TableRead(row["table"], columns, is_limited, int(before or 0)))
    return [Statement(*key, tuple(reads)) for key, reads in rows.items()]


def columns_read(statements: Iterable[Statement]) -> dict[str, set[str]]:
    """The columns of each table that any statement reads."""
    found: dict[str, set[str]] = {}
    for statement in statements:
        for read in statement.reads:
            found.setdefault(read.table, set()).update(read.columns)
    return found
