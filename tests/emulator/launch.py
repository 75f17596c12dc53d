"""Starts the emulator with what it lacks; runs in its own environment (requirements/emulator.txt).

Each change below says what it makes up for. They reach into local-bigquery 0.4.0, which is pinned.
Nothing here makes wrong SQL right: Google's analyzer reads every statement later (rung 4).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_ducklake

_EXTENSION = next(Path(duckdb_extension_ducklake.__file__).parent.rglob("*.duckdb_extension"))
_connect = duckdb.connect


def connect_offline(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
    """Loads the extension from its wheel; a time zone as `config` would load another by network."""
    time_zone = options.get("config", {}).pop("TimeZone", None)
    connection = _connect(*arguments, **options)
    connection.execute(f"load '{_EXTENSION}'")
    if time_zone:
        connection.execute(f"set global TimeZone = '{time_zone}'")
    return connection


duckdb.connect = connect_offline  # before the emulator's modules, which connect

from local_bigquery.api import jobs as jobs_api  # noqa: E402
from local_bigquery.catalog import names  # noqa: E402
from local_bigquery.engine import database  # noqa: E402
from local_bigquery.errors import BigQueryError  # noqa: E402
from local_bigquery.jobs import runner  # noqa: E402
from local_bigquery.sql.rules import NODE_RULES, tables  # noqa: E402
from sqlglot import exp, select  # noqa: E402

# Geography would need one more extension, which the emulator would fetch from the network.
database.FUNCTIONS[:] = [path for path in database.FUNCTIONS if path.stem != "geography"]

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


if __name__ == "__main__":
    from local_bigquery.cli import main

    sys.exit(main())
