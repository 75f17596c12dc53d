"""Rung 2: every compiled SELECT, run on Google's reference executor; outputs become inputs."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import duckdb

from .bq_types import Row
from .compile_offline import DATABASE, EXPORT_DATASET, PROJECT, Compiled, Node
from .engine import EngineTrapError, SqlError
from .fixture import shards
from .googlesql import Column, Result
from .metadata import metadata_rows
from .project import (
    EXPORT_PREFIXES,
    EXPORT_TABLE,
    in_order,
    new_catalog,
    relation,
    seed_columns,
    seed_file,
    where,
)


class ExecutionError(Exception):
    """Google's executor refused a model; the message names its file."""


def execute_project(
    compiled: Compiled, export: list[Column], events: list[Row]
) -> dict[str, Result]:
    """Columns and rows of every seed and model, by unique id, from raw events."""
    catalog = new_catalog(compiled, export)
    rows = metadata_rows(f"{PROJECT}.{EXPORT_DATASET}", export, shard_counts(events))
    for name, raw in export_rows(events).items():
        rows[name] = [stored(event, export) for event in raw]
    results = {}
    for node in in_order(compiled, "seed", "model"):
        if node["resource_type"] == "seed":
            result = seed_rows(node)
        else:
            try:
                result = catalog.evaluate(node["compiled_code"], rows)
            except (SqlError, EngineTrapError) as error:
                raise ExecutionError(f"{where(node)}: {error}") from error
        results[node["unique_id"]] = result
        if node["relation_name"]:
            catalog.add(relation(node), result.columns)
            rows[relation(node)] = [stored(row, result.columns) for row in result.rows]
    return results


def export_rows(events: list[Row]) -> dict[str, list[Row]]:
    """Rows of the export's wildcard tables, each with the `_TABLE_SUFFIX` that it has there."""
    rows = {EXPORT_TABLE: events}
    for prefix in EXPORT_PREFIXES:
        rows[EXPORT_TABLE.replace("*", f"{prefix}*")] = [
            event | {"_TABLE_SUFFIX": event["_TABLE_SUFFIX"].removeprefix(prefix)}
            for event in events
            if event["_TABLE_SUFFIX"].startswith(prefix)
        ]
    return rows


def shard_counts(events: Iterable[Row]) -> dict[str, int]:
    """Tables of the export and their row counts."""
    return {f"events_{suffix}": len(rows) for suffix, rows in shards(events).items()}


def stored(row: Row, columns: list[Column]) -> Row:
    """A row as BigQuery stores it: no array is NULL in a table."""
    arrays = {column.name for column in columns if column.type.startswith("ARRAY")}
    return row | {name: [] for name in arrays if row.get(name) is None}


def seed_rows(node: Node) -> Result:
    """Rows of a seed's file; an empty cell is NULL, as both warehouses load it."""
    columns = seed_columns(node)
    with seed_file(node).open(newline="", encoding="utf-8") as lines:
        return Result(
            columns,
            [
                {column.name: seed_value(line[column.name], column.type) for column in columns}
                for line in csv.DictReader(lines)
            ],
        )


def seed_value(text: str, kind: str) -> str | int | float | bool | Decimal | dt.date | None:
    """A cell of a CSV file as a value of a BigQuery type."""
    if text == "":
        return None
    match kind:
        case "INT64":
            return int(text)
        case "FLOAT64":
            return float(text)
        case "NUMERIC":
            return Decimal(text)
        case "BOOL":
            return text.lower() == "true"
        case "DATE":
            return dt.date.fromisoformat(text)
        case _:
            return text


def read_duckdb(work: Path) -> dict[str, Result]:
    """Columns (DuckDB's type names) and rows of what `build_on_duckdb` left in `work`, by id."""
    nodes = json.loads((work / "target" / "manifest.json").read_text())["nodes"].values()
    results = {}
    with duckdb.connect(str(work / DATABASE), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for node in nodes:
            if node["resource_type"] in ("seed", "model") and node["relation_name"]:
                found = connection.execute(f"select * from {node['relation_name']}")
                columns = [Column(name, str(kind)) for name, kind, *_ in found.description or []]
                names = [column.name for column in columns]
                rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
                results[node["unique_id"]] = Result(columns, rows)
    return results
