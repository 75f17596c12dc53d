"""What a resolved query reads: tables, columns down to the fields of records, and the days to which
constant conditions on the partition column or `_TABLE_SUFFIX` limit it.

It follows BigQuery's rules of billing: a field of a record counts only where it is named, a column
that a CTE or a view hands on counts only where somebody uses it, and a condition prunes partitions
only when it compares the bare column with constants. Where in doubt it says too much, never too
little: all days, and every column that a join, filter, grouping or window names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .bq_types import from_value
from .googlesql import inherited, leaf
from .resolved_tree import child_nodes, column_ids, plain_column

Path = tuple[str, ...]
Days = frozenset[str]
_EXISTS = 2  # of ResolvedSubqueryExpr's types: the only one whose columns nobody looks at

Use = tuple[int, Path]  # a column by its id, and the field of it that is used


@dataclass(frozen=True)
class Read:
    """One table of a statement: dotted paths of what is read, and days as texts; None means all."""

    table: str
    columns: frozenset[str]
    days: Days | None


def reads(
    resolved: Any,
    views: Mapping[str, Any] | None = None,
    partitions: Mapping[str, str] | None = None,
) -> list[Read]:
    """Physical tables that a resolved query reads, one entry each, by name.

    `views` are resolved statements of views by the name of their table; they are looked through.
    `partitions` are the columns by which tables are cut into days, where that is not `event_date`.
    """
    statement = _Statement(leaf(resolved))
    found = statement.scans(views or {}, None, {}, partitions or {})
    tables: dict[str, Read] = {}
    for one in found:
        seen = tables.get(one.table, Read(one.table, frozenset(), frozenset()))
        is_limited = seen.days is not None and one.days is not None
        days = (seen.days or frozenset()) | (one.days or frozenset()) if is_limited else None
        tables[one.table] = Read(one.table, _outermost(seen.columns | one.columns), days)
    return [tables[name] for name in sorted(tables)]


def _outermost(paths: Iterable[str]) -> frozenset[str]:
    """Without the fields of records that are read whole anyway."""
    given = frozenset(paths)
    return frozenset(
        path
        for path in given
        if not any(path.startswith(f"{other}.") for other in given if other != path)
    )


class _Statement:
    """Who uses which column, learned in one walk over the tree."""

    def __init__(self, statement: Any) -> None:
        self.query = leaf(statement.query)
        self.outputs = {
            one.name: one.column.column_id for one in inherited(statement, "output_column_list")
        }
        # A column that is another one, or a field of it: uses of its fields pass on.
        self.aliases: dict[int, list[Use]] = {}
        # A computed column and what its expression uses.
        self.computed: dict[int, list[Use]] = {}
        self.always_used: list[Use] = []
        self.entries: dict[str, Any] = {}
        self._walk(self.query, None)

    # ---- uses of columns ------------------------------------------------------------------------

    def _walk(self, any_node: Any, owner: int | None) -> None:
        """Note what a node uses; `owner` is the computed column whose expression this is."""
        node = leaf(any_node)
        match node.DESCRIPTOR.name:
            case "ResolvedColumnRefProto" | "ResolvedGetStructFieldProto":
                self._note(node, owner)
            case "ResolvedComputedColumnProto" | "ResolvedDeferredComputedColumnProto":
                self._compute(node, owner)
            case "ResolvedArrayScanProto":
                self._unnest(node, owner)
            case "ResolvedWithRefScanProto":
                entry = self.entries[node.with_query_name]
                for ours, theirs in zip(column_ids(node), column_ids(entry), strict=True):
                    self._alias(ours, theirs, ())
            case "ResolvedSetOperationScanProto":
                self._unite(node, owner)
            case "ResolvedAggregateScanProto":
                for computed in inherited(node, "group_by_list"):
                    self.always_used.append((leaf(computed).column.column_id, ()))
                self._walk_children(node, owner)
            case "ResolvedSubqueryExprProto":
                self._walk_children(node, owner)
                if node.subquery_type != _EXISTS:
                    for column in column_ids(node.subquery):
                        self._use((column, ()), owner)
            case "ResolvedWithEntryProto":
                self._walk(node.with_subquery, owner)
                self.entries[node.with_query_name] = leaf(node.with_subquery)
            case _:
                self._walk_children(node, owner)

    def _walk_children(self, node: Any, owner: int | None) -> None:
        for name, child in child_nodes(node):
            if name != "parameter_list":  # whole columns; the subquery itself says which fields
                self._walk(child, owner)

    def _note(self, node: Any, owner: int | None) -> None:
        path = plain_column(node)
        if path is None:
            self._walk(node.expr, owner)
        else:
            self._use(path, owner)

    def _use(self, use: Use, owner: int | None) -> None:
        target = self.always_used if owner is None else self.computed.setdefault(owner, [])
        target.append(use)

    def _alias(self, column: int, source: int, path: Path) -> None:
        self.aliases.setdefault(column, []).append((source, path))

    def _compute(self, node: Any, owner: int | None) -> None:
        column = node.column.column_id
        path = plain_column(leaf(node.expr))
        if path is not None:
            self._alias(column, *path)
        if owner is not None or path is None:
            self._walk(node.expr, column if owner is None else owner)

    def _unnest(self, node: Any, owner: int | None) -> None:
        expressions = [leaf(one) for one in inherited(node, "array_expr_list")]
        elements = inherited(node, "element_column_list")
        for expression, element in zip(expressions, elements, strict=True):
            path = plain_column(expression)
            if path is None:
                self._walk(expression, owner)
            else:
                self._alias(element.column_id, *path)
        for name, child in child_nodes(node):
            if name in ("input_scan", "join_expr"):
                self._walk(child, owner)

    def _unite(self, node: Any, owner: int | None) -> None:
        for item in node.input_item_list:
            self._walk(item.scan, owner)
            for ours, theirs in zip(column_ids(node), item.output_column_list, strict=True):
                self._alias(ours, theirs.column_id, ())
        if node.op_type != 0:  # anything but UNION ALL compares whole rows
            self.always_used += [(column, ()) for column in column_ids(node)]

    def used(self, outputs: Mapping[str, set[Path]] | None) -> dict[int, set[Path]]:
        """Fields used of every column, when these fields of outputs are wanted (None: all)."""
        wanted = {name: {()} for name in self.outputs} if outputs is None else outputs
        waiting = list(self.always_used)
        waiting += [(self.outputs[name], path) for name, paths in wanted.items() for path in paths]
        found: dict[int, set[Path]] = {}
        while waiting:
            column, path = waiting.pop()
            if path in found.setdefault(column, set()):
                continue
            found[column].add(path)
            waiting += [(source, prefix + path) for source, prefix in self.aliases.get(column, [])]
            waiting += self.computed.get(column, [])
        return found

    # ---- days -----------------------------------------------------------------------------------

    def scans(
        self,
        views: Mapping[str, Any],
        outputs: Mapping[str, set[Path]] | None,
        days: Mapping[str, Days],
        partitions: Mapping[str, str],
    ) -> list[Read]:
        """What the tables in the query are read for; `days` limits output columns."""
        self._used, self._views, self._partitions = self.used(outputs), views, partitions
        self._seen: set[tuple[str, frozenset[tuple[int, Days]]]] = set()
        self._found: list[Read] = []
        limits = {self.outputs[name]: given for name, given in days.items()}
        self._descend(self.query, limits)
        return self._found

    def _descend(self, any_node: Any, limits: dict[int, Days]) -> None:
        """Carry limits on columns from a scan down to the tables under it."""
        node = leaf(any_node)
        match node.DESCRIPTOR.name:
            case "ResolvedTableScanProto":
                self._read_table(node, limits)
            case "ResolvedWithRefScanProto":
                self._descend_with(node, limits)
            case "ResolvedSetOperationScanProto":
                for item in node.input_item_list:
                    theirs = [column.column_id for column in item.output_column_list]
                    self._descend(item.scan, _renamed(limits, column_ids(node), theirs))
            case "ResolvedFilterScanProto":
                self._descend_expressions(node.filter_expr)
                self._descend(node.input_scan, _both(limits, _constant_days(node.filter_expr)))
            case "ResolvedProjectScanProto" | "ResolvedAggregateScanProto":
                self._descend_children(node, self._through(limits))
            case "ResolvedJoinScanProto" | "ResolvedWithScanProto" | "ResolvedOrderByScanProto":
                self._descend_children(node, limits)
            case "ResolvedArrayScanProto":
                self._descend_children(node, limits)
            case _:  # a limit above a window or LIMIT is no limit below it
                self._descend_children(node, {})

    def _descend_children(self, node: Any, limits: dict[int, Days]) -> None:
        for name, child in child_nodes(node):
            if name == "with_entry_list":
                continue  # reached from who names them
            if name in ("input_scan", "left_scan", "right_scan", "query"):
                self._descend(child, limits)
            else:
                self._descend_expressions(child)

    def _descend_expressions(self, any_node: Any) -> None:
        """Tables inside subqueries of an expression: nothing outside limits them."""
        node = leaf(any_node)
        if node.DESCRIPTOR.name.endswith("ScanProto") and "Analytic" not in node.DESCRIPTOR.name:
            self._descend(node, {})
            return
        for _, child in child_nodes(node):
            self._descend_expressions(child)

    def _descend_with(self, node: Any, limits: dict[int, Days]) -> None:
        entry = self.entries[node.with_query_name]
        passed = _renamed(limits, column_ids(node), column_ids(entry))
        key = (node.with_query_name, frozenset(passed.items()))
        if key not in self._seen:
            self._seen.add(key)
            self._descend(entry, passed)

    def _through(self, limits: dict[int, Days]) -> dict[int, Days]:
        """Limits on computed columns that are other columns limit those."""
        passed = dict(limits)
        for column, days in limits.items():
            for source, path in self.aliases.get(column, []):
                if not path:
                    passed[source] = days
        return passed

    def _read_table(self, node: Any, limits: dict[int, Days]) -> None:
        name = node.table.full_name or node.table.name
        names = {column.column_id: column.name for column in inherited(node, "column_list")}
        used = {one: self._used[one] for one in names if one in self._used}
        if name in self._views:
            wanted = {names[column]: paths for column, paths in used.items()}
            limited = {names[one]: days for one, days in limits.items() if one in names}
            view = _Statement(leaf(self._views[name]))
            self._found += view.scans(self._views, wanted, limited, self._partitions)
            return
        paths = [".".join((names[one], *path)) for one, fields in used.items() for path in fields]
        day = (self._partitions.get(name, "event_date"), "_table_suffix")
        days = [given for one, given in limits.items() if names.get(one, "").lower() in day]
        limit = frozenset.intersection(*days) if days else None
        self._found.append(Read(name, frozenset(paths) - {"_TABLE_SUFFIX"}, limit))


def _renamed(limits: dict[int, Days], ours: list[int], theirs: list[int]) -> dict[int, Days]:
    return {theirs[ours.index(one)]: days for one, days in limits.items() if one in ours}


def _both(left: dict[int, Days], right: dict[int, Days]) -> dict[int, Days]:
    shared = {one: left[one] & right[one] for one in left.keys() & right.keys()}
    return {**left, **right, **shared}


def _constant_days(any_condition: Any) -> dict[int, Days]:
    """Columns that a condition holds to constants: `=`, `in (…)`, and those joined by AND."""
    node = leaf(any_condition)
    if node.DESCRIPTOR.name != "ResolvedFunctionCallProto":
        return {}
    name = node.parent.function.name.rpartition(":")[2]
    arguments = [leaf(one) for one in inherited(node, "argument_list")]
    if name == "$and":
        limits: dict[int, Days] = {}
        for argument in arguments:
            limits = _both(limits, _constant_days(argument))
        return limits
    if name not in ("$in", "$equal") or arguments[0].DESCRIPTOR.name != "ResolvedColumnRefProto":
        return {}
    if any(one.DESCRIPTOR.name != "ResolvedLiteralProto" for one in arguments[1:]):
        return {}
    values = [from_value(one.value.value, one.value.type) for one in arguments[1:]]
    return {arguments[0].column.column_id: frozenset(str(value) for value in values)}
