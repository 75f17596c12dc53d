"""A BigQuery catalog in memory: Google's analyzer resolves statements against it and Google's
reference executor runs queries on rows given by the caller.

Tables go by their full dotted name ('project.dataset.table'); a name that ends in `*` is a wildcard
table and has the pseudo-column `_TABLE_SUFFIX`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf import empty_pb2
from zetasql.wasi._pb2.zetasql.local_service import (
    local_service_pb2 as service,
)
from zetasql.wasi._pb2.zetasql.proto import (
    options_pb2,
    simple_catalog_pb2,
)

from .bq_types import Row, from_value, parse_type, to_value, type_name
from .engine import Engine, EngineTrapError
from .options import added_functions, analyzer_options, language_options

# `project`.`dataset`.`table`, as dbt writes relations, also with a bare last part
# (`project`.`dataset`.INFORMATION_SCHEMA.COLUMNS).
# How dbt-bigquery asks for the columns of a model before it compares them with the contract.
FOR_COLUMNS = "where false and current_timestamp() = current_timestamp()"
_PATH = re.compile(r"`[^`\s]+`(?:\s*\.\s*(?:`[^`\s]+`|\w+))*")


# Resolved statements by their text, the columns of the tables that they name, and variables.
_RESOLVED: dict[tuple[object, ...], Any] = {}


@dataclass(frozen=True)
class Column:
    """A column of a table or a result; `type` is BigQuery's name of the type."""

    name: str
    type: str


@dataclass(frozen=True)
class Result:
    """Rows of an executed query, in the order the executor gave them."""

    columns: list[Column]
    rows: list[Row]


@cache
def shared_engine() -> Engine:
    """One engine a process: instances cost 100 MB."""
    return Engine()


class Catalog:
    """Tables known to the analyzer and the executor."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or shared_engine()
        self.tables: dict[str, list[tuple[str, Any]]] = {}
        self.variables: dict[str, Any] = {}  # of a script: name → TypeProto
        self.values: dict[str, Any] = {}  # of these variables where the script is executed
        self._language = language_options(self.engine)
        self._options = analyzer_options(self.engine, self._language)
        self._registered: tuple[int, Any] | None = None  # engine generation, RegisterResponse

    def add(self, table: str, columns: Iterable[Column]) -> None:
        """Register or replace a table."""
        self.tables[table] = [(column.name, parse_type(column.type)) for column in columns]
        self.changed()

    def columns(self, table: str) -> list[Column]:
        """Columns of a registered table."""
        return [Column(name, type_name(kind)) for name, kind in self.tables[table]]

    def drop(self, table: str) -> None:
        """Forget a table, if it is known."""
        self.tables.pop(table, None)
        self.changed()

    def forget_variables(self) -> None:
        """The end of a script."""
        self.variables.clear()
        self.values.clear()
        self.changed()

    def changed(self) -> None:
        """The engine holds a copy of the catalog: give it back, so that the next call registers."""
        if self._registered and self._registered[0] == self.engine.generation:
            request = service.UnregisterRequest(registered_id=self._registered[1].registered_id)
            self.engine.call("UnregisterCatalog", request, empty_pb2.Empty)
        self._registered = None

    def analyze(self, sql: str) -> Any:
        """Resolved statement of one statement; SqlError with Google's message otherwise.

        What was resolved before on the same columns is remembered: the variants of a project share
        most statements, and a long one takes seconds.
        """
        text = self.one_name(sql)
        read = [(name, *self.columns(name)) for name in sorted(self.tables) if f"`{name}`" in text]
        declared = [(name, type_name(kind)) for name, kind in sorted(self.variables.items())]
        key = (text, *read, *declared)
        if key not in _RESOLVED:
            _RESOLVED[key] = self._analyze(text)
        return _RESOLVED[key]

    def _analyze(self, sql: str) -> Any:
        registered = self._register()
        request = service.AnalyzeRequest(
            sql_statement=sql,
            registered_catalog_id=registered.registered_id,
            options=self._options,
        )
        for pool in registered.descriptor_pool_id_list.registered_ids:
            request.descriptor_pool_list.definitions.add(registered_id=pool)
        return self.engine.call("Analyze", request, service.AnalyzeResponse).resolved_statement

    def output_columns(self, sql: str) -> list[Column]:
        """Names and types that a query, CREATE TABLE or CREATE VIEW puts out; else empty."""
        return output_columns(self.analyze(sql))

    def parse_script(self, sql: str) -> Any:
        """Syntax tree of a script of several statements."""
        request = service.ParseRequest(sql_statement=sql, options=self._language, allow_script=True)
        return self.engine.call("Parse", request, service.ParseResponse).parsed_script

    def evaluate(self, sql: str, rows: Mapping[str, Sequence[Row]] | None = None) -> Result:
        """Run a query on Google's reference executor; `rows` maps table names to their rows.

        Rows of a wildcard table carry their `_TABLE_SUFFIX`. Tables without rows are empty. A query
        that dbt sends for its columns alone is only analysed: the executor would compute it whole.
        """
        sql = self.one_name(sql)
        named = [name for name in self.tables if f"`{name}`" in sql]
        if FOR_COLUMNS in sql:
            return Result(self._columns_of(sql, named), [])
        read = {name: list((rows or {}).get(name, ())) for name in named}
        options = options_pb2.AnalyzerOptionsProto()
        options.CopyFrom(self._options)
        request = service.EvaluateQueryRequest(
            sql=sql, simple_catalog=self._proto(read, is_executed=True), options=options
        )
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        for name, given in read.items():
            columns = self._columns(name)
            data = request.table_content[name].table_data
            data.SetInParent()  # without it an empty table counts as one without content
            for row in given:
                data.row.add(cell=[to_value(row.get(column), kind) for column, kind in columns])
        return _result(self._evaluate(request))

    def _columns_of(self, sql: str, named: list[str]) -> list[Column]:
        """What a query puts out. Few tables are sent along sooner than all are registered anew."""
        request = service.AnalyzeRequest(
            sql_statement=sql, simple_catalog=self._proto(named), options=self._options
        )
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        response = self.engine.call("Analyze", request, service.AnalyzeResponse)
        return output_columns(response.resolved_statement)

    def _evaluate(self, request: Any) -> Any:
        """A crash may come from memory that earlier calls left full: try once in a fresh one."""
        try:
            return self.engine.call("EvaluateQuery", request, service.EvaluateQueryResponse)
        except EngineTrapError:
            return self.engine.call("EvaluateQuery", request, service.EvaluateQueryResponse)

    def one_name(self, sql: str) -> str:
        """Known tables as one quoted name: `a`.`b`.`c` → `a.b.c`, padded to keep positions true.

        The executor takes rows only for tables at the catalog's root, whose names have one part.
        """

        def replace(match: re.Match[str]) -> str:
            path = re.sub(r"[`\s]", "", match[0])
            return f"`{path}`".ljust(len(match[0])) if path in self.tables else match[0]

        return _PATH.sub(replace, sql)

    def _columns(self, table: str) -> list[tuple[str, Any]]:
        """Columns of a table, `_TABLE_SUFFIX` of a wildcard table last."""
        suffix = [("_TABLE_SUFFIX", parse_type("STRING"))] if table.endswith("*") else []
        return self.tables[table] + suffix

    def _proto(self, names: Iterable[str], is_executed: bool = False) -> Any:
        """SimpleCatalogProto. The executor has no pseudo-columns: there the suffix is a column."""
        catalog = simple_catalog_pb2.SimpleCatalogProto(name="root")
        catalog.builtin_function_options.language_options.CopyFrom(self._language)
        catalog.custom_function.extend(added_functions())
        for name in names:
            table = catalog.table.add(name=name)
            for position, (column_name, kind) in enumerate(self._columns(name)):
                column = table.column.add(name=column_name)
                column.type.CopyFrom(kind)
                is_pseudo = position >= len(self.tables[name])
                column.is_pseudo_column = is_pseudo and not is_executed
        for name, kind in self.variables.items():
            constant = catalog.constant.add(name_path=[name])
            constant.type.CopyFrom(kind)
            constant.value.CopyFrom(to_value(self.values.get(name), kind))
        return catalog

    def _register(self) -> Any:
        """Registering once and analysing many times is eight times as fast as sending it along."""
        if self._registered and self._registered[0] == self.engine.generation:
            return self._registered[1]
        request = service.RegisterCatalogRequest(simple_catalog=self._proto(self.tables))
        request.descriptor_pool_list.definitions.add().builtin.SetInParent()
        response = self.engine.call("RegisterCatalog", request, service.RegisterResponse)
        self._registered = (self.engine.generation, response)
        return response


def _result(response: Any) -> Result:
    specs = [(column.name, column.type) for column in response.prepared.columns]
    rows = [
        {name: from_value(cell, kind) for cell, (name, kind) in zip(row.cell, specs, strict=True)}
        for row in response.content.table_data.row
    ]
    return Result([Column(name, type_name(kind)) for name, kind in specs], rows)


def leaf(message: Any) -> Any:
    """The node inside the Any…Proto wrappers of GoogleSQL's trees."""
    while message.DESCRIPTOR.name.startswith("Any") and message.DESCRIPTOR.oneofs:
        message = getattr(message, message.WhichOneof(message.DESCRIPTOR.oneofs[0].name))
    return message


def inherited(node: Any, field: str) -> Any:
    """A repeated field of a node or of the classes it derives from (`parent`), else []."""
    while True:
        if field in node.DESCRIPTOR.fields_by_name and getattr(node, field):
            return getattr(node, field)
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return []
        node = node.parent


def output_columns(resolved: Any) -> list[Column]:
    """Columns that a resolved statement puts out."""
    node = leaf(resolved)
    defined = inherited(node, "column_definition_list")
    if defined:
        return [Column(column.name, type_name(column.type)) for column in defined]
    put_out = inherited(node, "output_column_list")
    return [Column(column.name, type_name(column.column.type)) for column in put_out]
