"""Scripts: several statements with variables and blocks, analysed one by one in their order.

What dbt-bigquery sends for incremental models is such a script (DECLARE, SET, MERGE, DROP). Tables
that a statement creates exist for those after it; EXECUTE IMMEDIATE stays unanalysed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .bq_types import parse_type, type_name
from .engine import SqlError
from .googlesql import Catalog, Column, inherited, leaf, output_columns

_CREATING = ("ResolvedCreateTableAsSelectStmt", "ResolvedCreateTableStmt", "ResolvedCreateViewStmt")
_NOT_ANALYZED = (
    "ASTExecuteImmediateStatement",
    "ASTSystemVariableAssignment",
    "ASTBeginTransaction",
    "ASTBreakStatement",
    "ASTContinueStatement",
    "ASTRaiseStatement",
    "ASTReturnStatement",
)


def analyze_script(catalog: Catalog, sql: str) -> list[str]:
    """Resolve every statement; returns their kinds. SqlError names the statement at fault.

    Tables that the script creates or drops stay so in the catalog; its variables do not.
    """
    script = Script(catalog, sql)
    script.run_all()
    return script.kinds


class Script:
    """A script that is resolved; who executes one overrides `statement` and `assign`."""

    def __init__(self, catalog: Catalog, sql: str) -> None:
        self.catalog = catalog
        self.sql = catalog.one_name(sql)
        self.kinds: list[str] = []

    def run_all(self) -> None:
        """Every statement in its order; the variables are forgotten at the end."""
        try:
            for statement in self.catalog.parse_script(self.sql).statement_list_node.statement_list:
                self.run(statement)
        finally:
            self.catalog.forget_variables()

    def run(self, any_statement: Any) -> None:
        node = leaf(any_statement)
        kind = node.DESCRIPTOR.name.removesuffix("Proto")
        blocks = list(_statement_lists(node))
        if kind == "ASTVariableDeclaration":
            self._declare(node)
        elif kind == "ASTSingleAssignment":
            self.assign(node.variable.id_string, self.text(node.expression))
        elif kind == "ASTAssignmentFromStruct":
            self._assign_struct(node)
        elif blocks:
            if "condition" in node.DESCRIPTOR.fields_by_name and node.HasField("condition"):
                self._resolve(f"select if({self.text(node.condition)}, 1, 0)")
            for statement in blocks:
                self.run(statement)
        elif kind not in _NOT_ANALYZED:
            kind = self.statement(node)
        self.kinds.append(kind)

    def statement(self, parsed: Any) -> str:
        """Act on one statement that is no control flow; returns its kind."""
        node = leaf(self._resolve(self.text(parsed)))
        kind = str(node.DESCRIPTOR.name.removesuffix("Proto"))
        if kind in _CREATING:
            self.catalog.add(".".join(inherited(node, "name_path")), output_columns(node))
        elif kind == "ResolvedDropStmt":
            self.catalog.drop(".".join(inherited(node, "name_path")))
        return kind

    def _declare(self, node: Any) -> None:
        default = self.text(node.default_value) if node.HasField("default_value") else None
        if node.HasField("type"):
            kind = parse_type(self.text(node.type))
        else:
            (column,) = self._columns(f"select {default}")
            kind = parse_type(column.type)
        for identifier in node.variable_list.identifier_list:
            self.catalog.variables[identifier.id_string] = kind
        self.catalog.changed()
        if default and node.HasField("type"):
            self.assign(node.variable_list.identifier_list[0].id_string, default)

    def assign(self, name: str, expression: str) -> None:
        if name not in self.catalog.variables:
            raise SqlError(f"Undeclared variable: {name}")
        kind = type_name(self.catalog.variables[name])
        self._resolve(f"select if(true, cast(null as {kind}), {expression})")

    def _assign_struct(self, node: Any) -> None:
        """SET (a, b) = (SELECT AS STRUCT …): as many fields as names, of the same types."""
        (column,) = self._columns(f"select {self.text(node.struct_expression)}")
        fields = parse_type(column.type).struct_type.field
        names = [identifier.id_string for identifier in node.variables.identifier_list]
        given = [type_name(field.field_type) for field in fields]
        wanted = [type_name(self.catalog.variables[name]) for name in names]
        if given != wanted:
            raise SqlError(f"SET ({', '.join(names)}) takes {wanted}, got {given}")

    def _columns(self, sql: str) -> list[Column]:
        return output_columns(self._resolve(sql))

    def _resolve(self, sql: str) -> Any:
        try:
            return self.catalog.analyze(sql)
        except SqlError as error:
            raise SqlError(f"{error} in: {' '.join(sql.split())[:160]}") from error

    def text(self, node: Any) -> str:
        """The source of a node; positions count bytes."""
        node = leaf(node)
        while "parse_location_range" not in node.DESCRIPTOR.fields_by_name:
            node = node.parent
        span = node.parse_location_range
        return self.sql.encode()[span.start : span.end].decode()


def _statement_lists(node: Any) -> Iterator[Any]:
    """The statements directly inside a block: BEGIN, IF, LOOP and their like."""
    for field, value in node.ListFields():
        if field.message_type is None or field.name == "parent":
            continue
        for child in value if field.is_repeated else [value]:
            name = child.DESCRIPTOR.name
            if name == "ASTStatementListProto":
                yield from child.statement_list
            elif name.startswith("AST") and not name.startswith("ASTQuery"):
                yield from _statement_lists(child)
