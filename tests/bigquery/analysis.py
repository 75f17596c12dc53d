"""Rung 1: a compiled project, resolved by Google's analyzer, types flowing from model to model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .bq_types import parse_type, type_name
from .compile_offline import Compiled, Node
from .engine import EngineTrapError, SqlError
from .googlesql import Catalog, Column
from .project import in_order, new_catalog, relation, seed_columns, where


@dataclass
class Analysis:
    """What each node puts out, by unique id, and what Google's analyzer says against the rest."""

    catalog: Catalog
    columns: dict[str, list[Column]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)  # names of the nodes behind `failures`
    waiting: list[str] = field(default_factory=list)

    def tables(self, compiled: Compiled) -> dict[str, list[Column]]:
        """The tables that exist after a run."""
        nodes = compiled.nodes("seed", "model")
        return {
            relation(node): self.columns[node["unique_id"]]
            for node in nodes
            if node["unique_id"] in self.columns
        }

    def problems(self) -> list[str]:
        """Failures, and in one line what could not be looked at because of them."""
        waiting = [f"not analysed for that reason: {', '.join(self.waiting)}"]
        return self.failures + (waiting if self.waiting else [])


def analyze_project(
    compiled: Compiled, export: list[Column], existing: Mapping[str, list[Column]] | None = None
) -> Analysis:
    """Resolve seeds and models in order, then data tests, analyses and what compiling has sent.

    `existing` are the tables that an earlier run left: incremental models read their own.
    """
    analysis = Analysis(new_catalog(compiled, export))
    for name, columns in (existing or {}).items():
        analysis.catalog.add(name, columns)
    for node in in_order(compiled, "seed", "model"):
        _analyze_node(analysis, node)
    for node in compiled.nodes("test", "analysis"):
        _analyze_node(analysis, node)
    if not analysis.failures:  # their tables are there
        analysis.failures += _sent_while_compiling(compiled, analysis.catalog)
    return analysis


def _sent_while_compiling(compiled: Compiled, catalog: Catalog) -> list[str]:
    """What the analyzer says against queries that macros ran; dbt's comment names who ran it."""
    failures = {}
    for sent in compiled.queries:
        sql = re.sub(r"^\s*/\*.*?\*/\s*", "", sent, flags=re.DOTALL)
        try:
            catalog.output_columns(sql)
        except (SqlError, EngineTrapError) as error:
            failures[sql] = f"sent while compiling: {error}\n{sent.strip()}"
    return list(failures.values())


def _analyze_node(analysis: Analysis, node: Node) -> None:
    parents = node["depends_on"].get("nodes", ())
    built = [one for one in parents if one.split(".")[0] in ("seed", "model")]
    if any(parent not in analysis.columns for parent in built):
        analysis.waiting.append(node["name"])
        return
    try:
        if node["resource_type"] == "seed":
            columns = seed_columns(node)
        else:
            columns = analysis.catalog.output_columns(node["compiled_code"])
    except (SqlError, EngineTrapError, ValueError) as error:
        analysis.failures.append(f"{where(node)}: {error}")
        analysis.failed.add(node["name"])
        return
    if node["resource_type"] in ("seed", "model"):
        wrong = [f"{where(node)}: {one}" for one in mismatches(node, columns)]
        analysis.failures += wrong
        analysis.failed |= {node["name"]} if wrong else set()
        analysis.columns[node["unique_id"]] = columns
        if node["relation_name"]:  # ephemeral models have none
            analysis.catalog.add(relation(node), columns)


def mismatches(node: Node, columns: Iterable[Column]) -> list[str]:
    """Where a node's .yml and its statement differ: declared types, and names under a contract."""
    found = {column.name.lower(): column.type for column in columns}
    problems = []
    for name, column in node["columns"].items():
        declared, actual = column["data_type"], found.get(name.lower())
        try:
            if actual is None:
                problems.append(f"{name} is described but not put out")
            elif declared and type_name(parse_type(declared)) != actual:
                problems.append(f"{name} is declared {declared} and is {actual}")
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if node["config"].get("contract", {}).get("enforced"):
        extra = sorted(set(found) - {name.lower() for name in node["columns"]})
        problems += [f"{name} is put out but not in the contract" for name in extra]
    return problems
