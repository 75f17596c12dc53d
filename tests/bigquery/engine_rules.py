"""Rung 5: rules of BigQuery's engine that neither resolving nor executing a statement shows."""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from .compile_offline import Compiled, Node
from .googlesql import Column
from .project import is_export, where

PARTITION_TYPES = {"DATE", "TIMESTAMP", "DATETIME", "INT64"}
CLUSTER_TYPES = PARTITION_TYPES | {"STRING", "BOOL", "NUMERIC", "BIGNUMERIC"}
MOST_CLUSTER_COLUMNS = 4
# Functions that know their value before a shard is opened; with anything else BigQuery scans all.
_CONSTANT_FUNCTIONS = (exp.Concat, exp.DPipe, exp.Cast, exp.Lower, exp.Array)


def broken_rules(compiled: Compiled, columns: dict[str, list[Column]]) -> list[str]:
    """What breaks a rule, with its file; `columns` are those each model puts out, by unique id."""
    problems = []
    readers = []
    for node in compiled.nodes("model", "test", "analysis"):
        tree = sqlglot.parse_one(node["compiled_code"], dialect="bigquery")
        found = [*_percentiles(tree)]
        if node["resource_type"] == "model":
            found += layout_problems(node, columns.get(node["unique_id"], []))
        selects = list(raw_reads(tree))
        if selects:
            readers.append(where(node))
        found += [problem for select in selects for problem in _suffix_problems(select)]
        problems += [f"{where(node)}: {problem}" for problem in found]
    if len(readers) != 1:
        problems.append(f"exactly one node reads the raw export, not: {', '.join(readers)}")
    return problems


def layout_problems(node: Node, columns: list[Column]) -> list[str]:
    """Partitioning and clustering that BigQuery refuses."""
    types = {column.name.lower(): column.type for column in columns}
    partition = node["config"].get("partition_by")
    clustered = node["config"].get("cluster_by") or []
    clustered = [clustered] if isinstance(clustered, str) else clustered
    problems = []
    if partition and types.get(partition["field"].lower()) not in PARTITION_TYPES:
        kind = types.get(partition["field"].lower(), "no column of the model")
        problems.append(f"partitioned by {partition['field']}, which is {kind}")
    declared = str((partition or {}).get("data_type", "")).upper()
    if partition and declared and declared != types.get(partition["field"].lower(), declared):
        problems.append(f"partition_by says {partition['field']} is {declared}")
    if len(clustered) > MOST_CLUSTER_COLUMNS:
        problems.append(
            f"clustered by {len(clustered)} columns, {MOST_CLUSTER_COLUMNS} are allowed"
        )
    problems += [
        f"clustered by {name}, which is {types.get(name.lower(), 'no column of the model')}"
        for name in clustered
        if types.get(name.lower()) not in CLUSTER_TYPES
    ]
    return problems


def _percentiles(tree: exp.Expr) -> Iterator[str]:
    """PERCENTILE_CONT and PERCENTILE_DISC are window functions only."""
    for call in tree.find_all(exp.PercentileCont, exp.PercentileDisc):
        parents = (call.parent, getattr(call.parent, "parent", None))  # IGNORE NULLS in between
        if not any(isinstance(parent, exp.Window) for parent in parents):
            yield f"{call.sql('bigquery')} without OVER"


def raw_reads(tree: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs that read a raw table directly."""
    for table in tree.find_all(exp.Table):
        if is_export(".".join(part.name for part in table.parts)):
            select = table.find_ancestor(exp.Select)
            if select:
                yield select


def _suffix_problems(select: exp.Select) -> list[str]:
    """A raw read prunes shards only by constant conditions on _TABLE_SUFFIX, joined by AND."""
    condition = select.args.get("where")
    parts = list(condition.this.flatten()) if condition and _is_and(condition.this) else []
    parts = parts or ([condition.this] if condition else [])
    bounds = [part for part in parts if _mentions_suffix(part)]
    if not bounds:
        return ["the raw export is read without a condition on _table_suffix"]
    return [
        f"no constant condition on _table_suffix: {part.sql('bigquery')}"
        for part in bounds
        if not _is_constant_bound(part)
    ]


def _is_and(expression: exp.Expr) -> bool:
    return isinstance(expression, exp.And)


def _mentions_suffix(expression: exp.Expr) -> bool:
    return any(column.name.lower() == "_table_suffix" for column in expression.find_all(exp.Column))


def _is_constant_bound(condition: exp.Expr) -> bool:
    """The bare suffix against literals: no subquery, no other column, no function of today."""
    inner = condition.unnest()
    if isinstance(inner, exp.Or | exp.And):
        return all(_is_constant_bound(part) for part in inner.flatten())
    columns = list(inner.find_all(exp.Column))
    allowed = (exp.Func, exp.Query)
    varying = [
        part for part in inner.find_all(*allowed) if not isinstance(part, _CONSTANT_FUNCTIONS)
    ]
    is_bare = len(columns) == 1 and columns[0].parent is inner
    return is_bare and not [part for part in varying if not isinstance(part, exp.And | exp.Or)]
