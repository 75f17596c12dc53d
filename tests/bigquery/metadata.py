"""What BigQuery tells about its own tables: the metadata views of a dataset, columns and rows.

Macros may ask them while compiling which shards exist and which columns those have.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from zetasql.wasi._pb2.zetasql.public import type_pb2

from .bq_types import Row, parse_type, type_name
from .export_schema import columns_of
from .googlesql import Column

_STRINGS = ("table_catalog", "table_schema", "table_name")
METADATA: dict[str, list[Column]] = {
    "INFORMATION_SCHEMA.TABLES": [
        *(Column(name, "STRING") for name in (*_STRINGS, "table_type", "ddl")),
        Column("creation_time", "TIMESTAMP"),
    ],
    "INFORMATION_SCHEMA.COLUMNS": [
        *(Column(name, "STRING") for name in (*_STRINGS, "column_name", "data_type")),
        *(Column(name, "STRING") for name in ("is_nullable", "is_partitioning_column")),
        *(Column(name, "INT64") for name in ("ordinal_position", "clustering_ordinal_position")),
    ],
    "INFORMATION_SCHEMA.COLUMN_FIELD_PATHS": [
        *(Column(name, "STRING") for name in (*_STRINGS, "column_name", "field_path")),
        *(Column(name, "STRING") for name in ("data_type", "description")),
    ],
    "INFORMATION_SCHEMA.PARTITIONS": [
        *(Column(name, "STRING") for name in (*_STRINGS, "partition_id", "storage_tier")),
        *(Column(name, "INT64") for name in ("total_rows", "total_logical_bytes")),
        Column("last_modified_time", "TIMESTAMP"),
    ],
    "INFORMATION_SCHEMA.TABLE_OPTIONS": [
        *(Column(name, "STRING") for name in (*_STRINGS, "option_name", "option_type")),
        Column("option_value", "STRING"),
    ],
    "INFORMATION_SCHEMA.MATERIALIZED_VIEWS": [
        *(Column(name, "STRING") for name in _STRINGS),
        *(Column(name, "TIMESTAMP") for name in ("last_refresh_time", "refresh_watermark")),
    ],
    "__TABLES__": [
        *(Column(name, "STRING") for name in ("project_id", "dataset_id", "table_id")),
        *(Column(name, "INT64") for name in ("creation_time", "last_modified_time", "row_count")),
        *(Column(name, "INT64") for name in ("size_bytes", "type")),
    ],
}


_WRITTEN_AT = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def metadata_rows(
    dataset: str, export: list[Column], shards: Mapping[str, int]
) -> dict[str, list[Row]]:
    """Rows of the metadata views of an export dataset ('project.dataset').

    `shards` maps the names of its tables, such as events_20201101, to their row counts.
    """
    project, _, schema = dataset.partition(".")
    views: dict[str, list[Row]] = {view: [] for view in METADATA}
    for table, row_count in shards.items():
        names = {"table_catalog": project, "table_schema": schema, "table_name": table}
        views["INFORMATION_SCHEMA.TABLES"].append(
            names | {"table_type": "BASE TABLE", "creation_time": _WRITTEN_AT}
        )
        views["INFORMATION_SCHEMA.PARTITIONS"].append(
            names | {"total_rows": row_count, "last_modified_time": _WRITTEN_AT}
        )
        views["__TABLES__"].append(
            {
                "project_id": project,
                "dataset_id": schema,
                "table_id": table,
                "creation_time": round(_WRITTEN_AT.timestamp() * 1000),
                "last_modified_time": round(_WRITTEN_AT.timestamp() * 1000),
                "row_count": row_count,
                "size_bytes": row_count * 1000,
                "type": 1,
            }
        )
        for position, column in enumerate(columns_of(export, table), start=1):
            named = names | {"column_name": column.name}
            views["INFORMATION_SCHEMA.COLUMNS"].append(
                named | {"data_type": column.type, "ordinal_position": position}
            )
            views["INFORMATION_SCHEMA.COLUMN_FIELD_PATHS"] += [
                named | {"field_path": path, "data_type": kind}
                for path, kind in field_paths(column.name, parse_type(column.type))
            ]
    return {f"{dataset}.{view}": rows for view, rows in views.items()}


def field_paths(path: str, kind: Any) -> Iterator[tuple[str, str]]:
    """The column and every field inside it, as COLUMN_FIELD_PATHS lists them."""
    yield path, type_name(kind)
    inner = kind.array_type.element_type if kind.type_kind == type_pb2.TYPE_ARRAY else kind
    if inner.type_kind == type_pb2.TYPE_STRUCT:
        for field in inner.struct_type.field:
            yield from field_paths(f"{path}.{field.field_name}", field.field_type)
