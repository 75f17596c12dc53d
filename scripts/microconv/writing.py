"""Writes what Python concluded back to the warehouse: tables beside the marts, all or nothing.

Rows of a table belong to somebody, such as a macro-conversion, and are replaced together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from microconv.aggregates.literals import literal

if TYPE_CHECKING:
    from microconv.profile import Warehouse

Cell: TypeAlias = str | float | int | bool | date | None
Row: TypeAlias = dict[str, Cell]

# Tables lie where this mart lies.
_BESIDE = "mart_evidence_checks"
_TYPES = {"text": ("varchar", "string"), "number": ("double", "float64")}
_TYPES |= {"integer": ("bigint", "int64"), "truth": ("boolean", "bool"), "date": ("date", "date")}


# The column that says whose rows they are.
_OWNER = "macro_name"


@dataclass(frozen=True)
class Table:
    """Rows to be written; all rows have the same columns.

    Where there may be many, `query` says them in their place: a SELECT whose columns stand in the
    order of the table's, so that they need not leave the warehouse.
    """

    name: str
    rows: tuple[Row, ...] = ()
    query: str = ""


def write_tables(
    tables: Sequence[Table],
    columns: Mapping[str, Mapping[str, str]],
    macros: Iterable[str],
    project_dir: Path | None = None,
) -> None:
    """Replace the rows of some macros in all tables, in one transaction.

    A table that is not there is created and a column that is not there is added before it; neither
    can be seen as a change of rows.

    Args:
        tables: What to write.
        columns: Per table the kind of each column: text, number, integer, truth or date.
        macros: Whose rows are replaced.
        project_dir: The folder of dbt_project.yml; None to look for it.

    Raises:
        MicroconvError: The warehouse cannot be written, such as a DuckDB file that is in use.
    """
    from microconv.profile import open_warehouse

    with open_warehouse(project_dir, is_for_writing=True) as warehouse:
        replace_rows(warehouse, tables, columns, list(macros))


def replace_rows(
    warehouse: Warehouse,
    tables: Sequence[Table],
    columns: Mapping[str, Mapping[str, str]],
    owners: Sequence[str],
    owner_column: str = _OWNER,
) -> None:
    """The same in a warehouse that is open for writing, for rows of any owners.

    Args:
        warehouse: Where to write.
        tables: What to write.
        columns: As in `write_tables`.
        owners: Whose rows are replaced.
        owner_column: The column that says whose rows they are.

    Raises:
        MicroconvError: The warehouse cannot be written.
    """
    for table in tables:
        _prepare(warehouse, table.name, columns[table.name])
    warehouse.execute(transaction(warehouse, tables, columns, owners, owner_column))


def transaction(
    warehouse: Warehouse,
    tables: Sequence[Table],
    columns: Mapping[str, Mapping[str, str]],
    owners: Sequence[str],
    owner_column: str = _OWNER,
) -> str:
    """The script that replaces the rows; values are literals that cannot end early."""
    names = ", ".join(literal(owner, warehouse.is_duckdb) for owner in owners)
    statements = ["begin transaction"]
    for table in tables:
        relation, wanted = beside(warehouse, table.name), list(columns[table.name])
        statements.append(f"delete from {relation} where {owner_column} in ({names})")
        if table.query:
            statements.append(f"insert into {relation} ({', '.join(wanted)})\n{table.query}")
        if table.rows:
            rows = ",\n".join(_values(row, wanted, warehouse.is_duckdb) for row in table.rows)
            statements.append(f"insert into {relation} ({', '.join(wanted)}) values\n{rows}")
    return ";\n".join([*statements, "commit transaction" if not warehouse.is_duckdb else "commit"])


def beside(warehouse: Warehouse, name: str) -> str:
    """The quoted name of a table that Python writes, there or not."""
    return str(warehouse.beside(_BESIDE, name))


def create_statement(warehouse: Warehouse, name: str, columns: Mapping[str, str]) -> str:
    """The statement that makes a table where there is none."""
    typed = _typed(warehouse, columns)
    listed = ", ".join(f"{column} {kind}" for column, kind in typed.items())
    return f"create table if not exists {beside(warehouse, name)} ({listed})"


def _prepare(warehouse: Warehouse, name: str, columns: Mapping[str, str]) -> None:
    relation, typed = beside(warehouse, name), _typed(warehouse, columns)
    warehouse.execute(create_statement(warehouse, name, columns))
    [row] = warehouse.run_query(f"""
        select * from (select 1 as one) as one
        left join (select * from {relation} limit 1) as example on true
    """)
    for column in typed.keys() - row.keys():
        warehouse.execute(f"alter table {relation} add column {column} {typed[column]}")


def _typed(warehouse: Warehouse, columns: Mapping[str, str]) -> dict[str, str]:
    place = 0 if warehouse.is_duckdb else 1
    return {column: _TYPES[kind][place] for column, kind in columns.items()}


def _values(row: Row, columns: Sequence[str], is_duckdb: bool) -> str:
    return "(" + ", ".join(literal(row.get(one), is_duckdb) for one in columns) + ")"
