"""A compiled dbt project on a catalog: sources, seeds and models in the order of the DAG."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

from .bq_types import parse_type, type_name
from .compile_offline import EXPORT_DATASET, PROJECT, Compiled, Node
from .export_schema import columns_of
from .googlesql import Catalog, Column
from .metadata import METADATA

EXPORT_TABLE = f"{PROJECT}.{EXPORT_DATASET}.events_*"
# What follows `events_` in the names of the daily, fresh and intraday tables: each kind is read by
# a wildcard of its own.
EXPORT_PREFIXES = ("2", "fresh_", "intraday_")


def relation(node: Node) -> str:
    """Full name of a node's table, without quotes."""
    return str(node["relation_name"] or "").replace("`", "")


def in_order(compiled: Compiled, *kinds: str) -> list[Node]:
    """Nodes of some resource types such that each comes after all it depends on."""
    nodes = {node["unique_id"]: node for node in compiled.nodes(*kinds)}
    graph = {
        key: [parent for parent in node["depends_on"].get("nodes", ()) if parent in nodes]
        for key, node in sorted(nodes.items())
    }
    return [nodes[key] for key in TopologicalSorter(graph).static_order()]


def seed_columns(node: Node) -> list[Column]:
    """Columns of a seed: the header of the file, typed by `column_types` of its configuration.

    Raises ValueError for a column without a declared type: what an engine would infer from today's
    rows changes with the rows.
    """
    declared = node["config"].get("column_types") or {}
    with seed_file(node).open(newline="", encoding="utf-8") as lines:
        header = next(csv.reader(lines))
    untyped = [name for name in header if name not in declared]
    if untyped:
        raise ValueError(f"column_types of the seed say nothing about {', '.join(untyped)}")
    return [Column(name, type_name(parse_type(declared[name]))) for name in header]


def seed_file(node: Node) -> Path:
    return Path(node["root_path"], node["original_file_path"])


def sources(compiled: Compiled, export: list[Column]) -> dict[str, list[Column]]:
    """Tables that nobody builds: the export's wildcard tables and the metadata of every dataset."""
    tables = export_wildcards(EXPORT_TABLE, export)
    datasets = {f"{PROJECT}.{EXPORT_DATASET}"}
    for source in compiled.manifest["sources"].values():
        if relation(source).endswith("*"):
            tables |= export_wildcards(relation(source), export)
    for node in compiled.nodes("model", "seed"):
        datasets.add(relation(node).rpartition(".")[0])
    for dataset in datasets - {""}:
        tables |= {f"{dataset}.{view}": columns for view, columns in METADATA.items()}
    return tables


def export_wildcards(table: str, export: list[Column]) -> dict[str, list[Column]]:
    """Columns of a dataset's wildcard table `…events_*` and of those of each kind of table."""
    stem = table.removesuffix("*")
    kinds = {f"{stem}{prefix}*": columns_of(export, f"{prefix}*") for prefix in EXPORT_PREFIXES}
    return {table: export} | kinds


def is_export(table: str) -> bool:
    """Whether a table, by its full name, is a raw one: a shard or any wildcard over shards."""
    return table.startswith(EXPORT_TABLE.removesuffix("*"))


def export_prefix(table: str) -> str:
    """What the names of a wildcard's shards have in common after `events_`."""
    return table.removeprefix(EXPORT_TABLE.removesuffix("*")).removesuffix("*")


def metadata_catalog(datasets: Iterable[str] = (EXPORT_DATASET,)) -> Catalog:
    """A catalog that knows the metadata views of the exports' datasets, and nothing else."""
    catalog = Catalog()
    for dataset in datasets:
        for view, columns in METADATA.items():
            catalog.add(f"{PROJECT}.{dataset}.{view}", columns)
    return catalog


def new_catalog(compiled: Compiled, export: list[Column]) -> Catalog:
    """A catalog with the sources of a project, before anything is built."""
    catalog = Catalog()
    for name, columns in sources(compiled, export).items():
        catalog.add(name, columns)
    return catalog


def where(node: Node) -> str:
    """How failures name a node: its file, and its name where one file holds several."""
    path, name = node["original_file_path"], node["name"]
    return str(path) if Path(path).stem == name else f"{path} ({name})"
