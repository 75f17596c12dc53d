"""A warehouse in memory for `dbt run`: Google's reference executor runs what the adapter sends.

The executor runs queries only. A statement that changes a table is run as the query that says what
the table holds afterwards: `delete` as the rows that stay, `insert` as the rows that come.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .bq_types import Row
from .execute import export_rows, shard_counts, stored
from .googlesql import Catalog, Column, Result, inherited, leaf
from .metadata import METADATA, metadata_rows
from .project import EXPORT_TABLE, export_wildcards
from .script import Script
from .stub import Warehouse, no_rows


@dataclass
class ReferenceWarehouse(Warehouse):
    """Tables with their rows; dbt finds those among them that are built, and what it makes itself.

    `view_names` are the tables that dbt is told are views. Here they hold the rows of when they
    were made, which in a run comes after all that they read. `deleted` counts the rows that were
    taken out of each table.
    """

    catalog: Catalog = field(default_factory=Catalog)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    view_names: frozenset[str] = frozenset()
    deleted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.built: dict[str, list[Column]] = {}
        self.tables = self.built
        self.answer = self._execute

    def give(self, name: str, content: Result) -> None:
        """Make or replace a table that dbt does not build."""
        self.catalog.add(name, content.columns)
        self.rows[name] = [stored(row, content.columns) for row in content.rows]

    def give_export(self, export: list[Column], events: list[Row]) -> None:
        """Make or replace the raw tables of some events, and what BigQuery says about them."""
        columns_of_wildcard = export_wildcards(EXPORT_TABLE, export)
        for name, rows in export_rows(events).items():
            self.give(name, Result(columns_of_wildcard[name], rows))
        dataset = EXPORT_TABLE.rpartition(".")[0]
        described = metadata_rows(dataset, export, shard_counts(events))
        for view, columns in METADATA.items():
            self.give(f"{dataset}.{view}", Result(columns, described[f"{dataset}.{view}"]))

    def build(self, name: str, content: Result) -> None:
        """Make or replace a table that dbt builds."""
        self.give(name, content)
        self.built[name] = content.columns
        self.views = self.view_names & self.built.keys()

    def drop(self, name: str) -> None:
        self.catalog.drop(name)
        self.rows.pop(name, None)
        self.built.pop(name, None)

    def content(self, name: str) -> Result:
        """Columns and rows of a table."""
        return Result(self.catalog.columns(name), self.rows[name])

    def _execute(self, sql: str) -> Result:
        execution = _Execution(self, sql)
        execution.run_all()
        return execution.answer


_PLACE = Column("place_of_the_row", "INT64")


class _Execution(Script):
    """A script whose statements act on the tables of a warehouse; `answer` is its last query's."""

    def __init__(self, warehouse: ReferenceWarehouse, sql: str) -> None:
        super().__init__(warehouse.catalog, sql)
        self.warehouse = warehouse
        self.answer = no_rows(sql)

    def statement(self, parsed: Any) -> str:
        kind = str(parsed.DESCRIPTOR.name.removesuffix("Proto"))
        match kind:
            case "ASTQueryStatement":
                self.answer = self._evaluate(self.text(parsed))
            case "ASTCreateTableStatement" | "ASTCreateViewStatement":
                query = self.text(inherited(parsed, "query"))
                self.warehouse.build(self._name(inherited(parsed, "name")), self._evaluate(query))
            case "ASTDeleteStatement":
                self._delete(parsed)
            case "ASTInsertStatement":
                self._insert(parsed)
            case "ASTDropStatement":
                self.warehouse.drop(self._name(parsed.name))
            case _:
                return super().statement(parsed)
        return kind

    def _delete(self, parsed: Any) -> None:
        name, alias = self._name(parsed.target_path), parsed.alias.identifier.id_string
        condition = self.text(parsed.where)
        before = self.warehouse.content(name)
        # Whole events would be copied for each row that is asked about: give what is named alone.
        narrow, words = Catalog(self.catalog.engine), set(re.findall(r"\w+", condition))
        narrow.variables, narrow.values = self.catalog.variables, self.catalog.values
        for table in self.catalog.tables:
            columns = [one for one in self.catalog.columns(table) if one.name in words]
            narrow.add(table, [*columns, *([_PLACE] if table == name else [])])
        rows = [row | {_PLACE.name: place} for place, row in enumerate(before.rows)]
        stay = narrow.evaluate(
            f"select {_PLACE.name} from `{name}` as {alias} where ({condition}) is not true",
            self.warehouse.rows | {name: rows},
        )
        places = sorted(row[_PLACE.name] for row in stay.rows)
        left = Result(before.columns, [before.rows[place] for place in places])
        self.warehouse.build(name, left)
        self.warehouse.deleted[name] += len(before.rows) - len(left.rows)

    def _insert(self, parsed: Any) -> None:
        name = self._name(parsed.target_path)
        there, new = self.warehouse.content(name), self._evaluate(self.text(parsed.query))
        names = [one.id_string for one in parsed.column_list.identifiers]
        rows = [dict(zip(names, row.values(), strict=True)) for row in new.rows]
        self.warehouse.build(name, Result(there.columns, there.rows + rows))

    def assign(self, name: str, expression: str) -> None:
        super().assign(name, expression)
        (row,) = self._evaluate(f"select {expression}").rows
        (self.catalog.values[name],) = row.values()
        self.catalog.changed()

    def _evaluate(self, sql: str) -> Result:
        return self.catalog.evaluate(sql, self.warehouse.rows)

    def _name(self, path: Any) -> str:
        return ".".join(part.id_string for part in leaf(path).names)
