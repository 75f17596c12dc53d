"""A loopback answer to the few REST calls that dbt makes to BigQuery while it compiles.

`is_incremental()` asks whether a table exists and macros may run queries; nothing is ever written.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from zetasql.wasi._pb2.zetasql.public import type_pb2

from .bq_types import parse_type, type_name
from .googlesql import Column, Result

Json = dict[str, Any]


def no_rows(sql: str) -> Result:
    """The default answer to any query."""
    return Result([Column("nothing", "STRING")], [])


@dataclass
class Warehouse:
    """What the stub pretends: the tables that exist, by full name, and the answer to a query.

    `views` are the names among them that are views.

    What `answer` raises reaches dbt as BigQuery's error. `queries` fills with the statements that
    were sent while compiling.
    """

    tables: Mapping[str, list[Column]] = field(default_factory=dict)
    answer: Callable[[str], Result] = no_rows
    queries: list[str] = field(default_factory=list)
    views: frozenset[str] = frozenset()
    jobs: dict[str, tuple[str, Result]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, job_id: str, sql: str) -> None:
        """Answer a query job. One at a time: the engine behind `answer` is no thread-safe thing."""
        with self.lock:
            self.queries.append(sql)
            self.jobs[job_id] = (sql, self.answer(sql))


class NotFoundError(Exception):
    """The dataset, table or job does not exist."""


def schema_field(name: str, kind: Any) -> Json:
    """TableFieldSchema of the REST interface for a TypeProto."""
    if kind.type_kind == type_pb2.TYPE_ARRAY:
        return schema_field(name, kind.array_type.element_type) | {"mode": "REPEATED"}
    if kind.type_kind == type_pb2.TYPE_STRUCT:
        fields = kind.struct_type.field
        inner = [schema_field(one.field_name, one.field_type) for one in fields]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": inner}
    legacy = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
    canonical = type_name(kind)
    return {"name": name, "type": legacy.get(canonical, canonical), "mode": "NULLABLE"}


def schema(columns: list[Column]) -> Json:
    """TableSchema of the REST interface."""
    return {"fields": [schema_field(column.name, parse_type(column.type)) for column in columns]}


def cell(value: Any) -> Json:
    """A value as the REST interface writes it."""
    if isinstance(value, dict):
        return {"v": {"f": [cell(item) for item in value.values()]}}
    if isinstance(value, list):
        return {"v": [cell(item) for item in value]}
    if isinstance(value, bool):
        return {"v": str(value).lower()}
    if isinstance(value, dt.datetime):
        return {"v": str(round(value.timestamp() * 1_000_000))}
    return {"v": None if value is None else str(value)}


def results_resource(project: str, job_id: str, result: Result) -> Json:
    """QueryResponse of the REST interface."""
    rows = [{"f": [cell(value) for value in row.values()]} for row in result.rows]
    return {
        "kind": "bigquery#queryResponse",
        "jobReference": {"projectId": project, "jobId": job_id, "location": "US"},
        "jobComplete": True,
        "schema": schema(result.columns),
        "totalRows": str(len(rows)),
        "rows": rows,
    }


def _table_resource(name: str, columns: list[Column] | None, is_view: bool) -> Json:
    project, dataset, table = name.split(".")
    resource: Json = {
        "id": f"{project}:{dataset}.{table}",
        "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table},
        "type": "VIEW" if is_view else "TABLE",
    }
    return resource if columns is None else resource | {"schema": schema(columns)}


def _dataset_resource(project: str, name: str) -> Json:
    reference = {"projectId": project, "datasetId": name}
    return {"id": f"{project}:{name}", "datasetReference": reference, "location": "US"}


def _job_resource(project: str, job_id: str, sql: str) -> Json:
    return {
        "kind": "bigquery#job",
        "id": f"{project}:US.{job_id}",
        "jobReference": {"projectId": project, "jobId": job_id, "location": "US"},
        "configuration": {"jobType": "QUERY", "query": {"query": sql}},
        "status": {"state": "DONE"},
        "statistics": {"query": {}},
    }


class _Handler(BaseHTTPRequestHandler):
    """Routes `/bigquery/v2/projects/<project>/…`; anything unknown does not exist."""

    warehouse: Warehouse

    def do_GET(self) -> None:
        self._reply(self._get)

    def do_POST(self) -> None:
        self._reply(self._post)

    def do_PATCH(self) -> None:
        self._reply(self._patch)

    def do_DELETE(self) -> None:
        self._reply(self._delete)

    def _get(self, parts: list[str]) -> Json:
        tables, views = self.warehouse.tables, self.warehouse.views
        jobs = self.warehouse.jobs
        match parts:
            case [project, "datasets"]:
                names = sorted({name.split(".")[1] for name in tables})
                return {"datasets": [_dataset_resource(project, name) for name in names]}
            case [project, "datasets", dataset]:
                return _dataset_resource(project, dataset)
            case [project, "datasets", dataset, "tables"]:
                listed = re.compile(rf"{re.escape(project)}\.{re.escape(dataset)}\.[^.]+")
                found = [name for name in tables if listed.fullmatch(name)]
                named = [
                    _table_resource(name, None, name in self.warehouse.views) for name in found
                ]
                return {"tables": named, "totalItems": len(named)}
            case [project, "datasets", dataset, "tables", table]:
                name = f"{project}.{dataset}.{table}"
                # A run looks at the table that it has just made beside the one it will change.
                built_from = re.sub(r"__dbt_tmp\d*$", "", name)
                if built_from in tables:
                    return _table_resource(name, tables[built_from], name in views)
            case [project, "jobs", job_id] if job_id in jobs:
                return _job_resource(project, job_id, jobs[job_id][0])
            case [project, "queries", job_id] if job_id in jobs:
                return results_resource(project, job_id, jobs[job_id][1])
        raise NotFoundError(f"Not found: {'/'.join(parts)}")

    def _post(self, parts: list[str]) -> Json:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        query = body.get("configuration", {}).get("query", {}).get("query")
        match parts:
            case [project, "jobs"] if query:
                job_id = body["jobReference"]["jobId"]
                self.warehouse.run(job_id, query)
                return _job_resource(project, job_id, query)
        raise NotFoundError(f"Not found: {'/'.join(parts)}")

    def _patch(self, parts: list[str]) -> Json:
        """Descriptions and labels are taken and forgotten."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return self._get(parts)

    def _delete(self, parts: list[str]) -> Json:
        """What a run drops is a table of its own that nobody asks for again."""
        return {}

    def _reply(self, route: Callable[[list[str]], Json]) -> None:
        path = re.sub(r"^.*?/projects/", "", urlsplit(self.path).path)
        try:
            code, payload = 200, route([unquote(part) for part in path.split("/")])
        except NotFoundError as error:
            code, payload = 404, _error(404, str(error), "notFound")
        except Exception as error:  # whatever went wrong, dbt shows it as the query's error
            code, payload = 400, _error(400, f"{type(error).__name__}: {error}", "invalidQuery")
        data = json.dumps(payload).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """No access log on the console of the tests."""


def _error(code: int, message: str, reason: str) -> Json:
    details = [{"message": message, "reason": reason, "domain": "global"}]
    return {"error": {"code": code, "message": message, "errors": details}}


@contextmanager
def serving(warehouse: Warehouse) -> Iterator[str]:
    """The address of a stub that answers for `warehouse` while the block runs."""
    handler = type("Handler", (_Handler,), {"warehouse": warehouse})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
