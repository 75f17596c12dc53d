"""Starts the emulator with what it lacks; runs in its own environment (requirements/emulator.txt).

Each change below says what it makes up for. They reach into local-bigquery 0.4.0, which is pinned.
Nothing here makes wrong SQL right: Google's analyzer reads every statement later (rung 4).
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from typing import Any

import duckdb
from local_bigquery.api import jobs as jobs_api
from local_bigquery.catalog import metadata, names
from local_bigquery.catalog import tables as catalog_tables
from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.jobs import runner
from local_bigquery.models import Table
from local_bigquery.settings import settings
from local_bigquery.sql import native
from local_bigquery.sql.rules import NODE_RULES, tables
from sqlglot import exp, select

# ---- storage -------------------------------------------------------------------------------------
# The emulator keeps its tables in a lake, for which it fetches an extension of DuckDB from the
# network, and pays for each commit as much as for the query. Here all is in memory.


@functools.cache
def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set global TimeZone = 'UTC'")  # as `config` it would need the network
    for catalog in ("emulator", "bq"):
        connection.execute(f"attach ':memory:' as {catalog}")
    connection.execute(database.EMULATOR_SCHEMA)
    native.register(connection)
    for path in database.FUNCTIONS:
        if path.stem != "geography":  # needs one more extension
            connection.execute(database.MACRO.sub(r"CREATE MACRO bq.main.\1", path.read_text()))
    attach(connection, settings.default_project_id)
    return connection


def attach(connection: duckdb.DuckDBPyConnection, project: str) -> None:
    connection.execute(f"attach if not exists ':memory:' as {database.quote(project)}")
    database._attached.add(project)


def projects() -> list[str]:
    return sorted(database._attached)


database._connect = connect
database._attach = attach
database.projects = projects

# ---- CREATE TABLE AS SELECT ----------------------------------------------------------------------
# dbt asks such a job for its destination table, which the emulator does not fill in.

_query = runner._query
_results = jobs_api.results


def is_table_made(job: Any) -> bool:
    query = job.statistics.query if job.statistics else None
    return bool(query and query.statementType == "CREATE_TABLE_AS_SELECT" and query.ddlTargetTable)


def query_with_destination(job: Any, session: Any, running: Any) -> Any:
    statistics = _query(job, session, running)
    config, query = job.configuration.query, statistics.query
    if query and query.statementType == "CREATE_TABLE_AS_SELECT" and not config.destinationTable:
        config.destinationTable = query.ddlTargetTable
    return statistics


def results_without_rows(job: Any, *arguments: Any) -> Any:
    """With a destination it would send the rows of the new table back."""
    if is_table_made(job) and job.configuration.query.destinationTable:
        job = job.model_copy(deep=True)
        job.configuration.query.destinationTable = None
    return _results(job, *arguments)


runner._query = query_with_destination
jobs_api.results = results_without_rows

# ---- wildcard tables -----------------------------------------------------------------------------
# The emulator joins shards by position and drops rows that are equal. BigQuery goes by name and
# keeps every row.


def _all_of(left: exp.Query, right: exp.Query) -> exp.Query:
    return exp.Union(this=left, expression=right, distinct=False, by_name=True)


def wildcard_table(node: exp.Expression, context: Any) -> exp.Expression:
    if not isinstance(node, exp.Table) or not node.name.endswith("*"):
        return node
    prefix = node.name.removesuffix("*")
    project, dataset, _ = names.reference(node, context.project_id, context.dataset_id)
    found = [
        name
        for name, kind, _ in database.objects(project, dataset)
        if kind == "TABLE" and name.startswith(prefix)
    ]
    if not found:
        raise BigQueryError("invalid", f"{dataset}.{node.name} does not match any table.")
    union: exp.Query | None = None
    for name in found:
        suffix = exp.Literal.string(name.removeprefix(prefix))
        table = exp.table_(name, db=dataset, catalog=project, quoted=True)
        shard = select("*", exp.alias_(suffix, "_TABLE_SUFFIX")).from_(table)
        union = _all_of(union, shard) if union else shard
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(prefix, quoted=True))
    return exp.Subquery(this=union, alias=alias)


NODE_RULES[NODE_RULES.index(tables.wildcard_table)] = wildcard_table


# ---- when a table was loaded ---------------------------------------------------------------------
# The emulator says of a loaded table that it was modified now, whenever it is asked. The project
# tells by that time whether a day was delivered again.

_load = runner.HANDLERS["load"]


def load_noting_the_time(cursor: Any, config: Any, upload: Any) -> Any:
    statistics = _load(cursor, config, upload)
    loaded = catalog_tables.reference(config.destinationTable)
    catalog_tables.annotate(loaded, Table(lastModifiedTime=metadata.now()))
    return statistics


runner.HANDLERS["load"] = load_noting_the_time

# ---- the end -------------------------------------------------------------------------------------


def end_with_parent() -> None:
    """Standard input is a pipe from whoever started this; it closes however they end."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    from local_bigquery.cli import main

    threading.Thread(target=end_with_parent, daemon=True).start()
    main()
