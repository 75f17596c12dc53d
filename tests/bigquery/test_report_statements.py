"""What the report asks of the marts, before Google's analyzer: the statements of a page on DuckDB.

Contracts give the marts the same columns and types on both warehouses, and the statements are made
in one place for both; only literals of hostile texts differ, which test_evidence_statements shows.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml
from microconv import profile
from project_run import PROJECT, Warehouse
from report_case import built_report, write_report

from .googlesql import Catalog, Column

TYPES = {
    "BIGINT": "INT64",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "DOUBLE": "FLOAT64",
    "INTEGER": "INT64",
    "TIMESTAMP": "TIMESTAMP",
    "VARCHAR": "STRING",
}
# Read where a segment was asked for, and where no experiment is judged.
NOT_ALWAYS = {"int_visitors_segmented", "mart_experiments"}
_RELATION = re.compile(r'"[^"]+"\."[^"]+"\."([^"]+)"')


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return built_report(tmp_path_factory)


@pytest.fixture(scope="module")
def catalog(report: Warehouse) -> Catalog:
    """The tables that a page may read, with BigQuery's names of their types."""
    with duckdb.connect(str(report.path), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns"
            " where data_type not like '%]%' and data_type not like 'STRUCT%'"
            " order by table_name, ordinal_position"
        ).fetchall()
    tables: dict[str, list[Column]] = {}
    for table, column, kind in rows:
        found = "NUMERIC" if kind.startswith("DECIMAL") else TYPES.get(kind, "STRING")
        tables.setdefault(table, []).append(Column(column, found))
    catalog = Catalog()
    for table, columns in tables.items():
        catalog.add(table, columns)
    return catalog


def exposed() -> set[str]:
    """What models/exposures.yml says that the report reads."""
    text = (PROJECT / "models" / "exposures.yml").read_text(encoding="utf-8")
    [one] = [one for one in yaml.safe_load(text)["exposures"] if one["name"] == "microconv_report"]
    return {name.removeprefix("ref('").removesuffix("')") for name in one["depends_on"]}


@pytest.mark.parametrize(
    "options", [(), ("--segment", "device_category=mobile", "--since", "2026-10-26")]
)
def test_every_statement_of_a_page_is_accepted(
    report: Warehouse,
    catalog: Catalog,
    options: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    statements: list[str] = []
    run_query = profile.Warehouse.run_query

    def recorded(self: profile.Warehouse, sql: str) -> list[profile.Record]:
        statements.append(sql)
        return run_query(self, sql)

    monkeypatch.setattr(profile.Warehouse, "run_query", recorded)
    write_report(report, monkeypatch, tmp_path, options)
    asked = {name for one in statements for name in _RELATION.findall(one)}
    of_dbt = {name for name in asked if not name.startswith("evidence_")}
    assert {"evidence_micro_conversions", "evidence_proxy_metrics"} <= asked
    # The exposure says what the page reads, and no more.
    assert of_dbt == exposed() - (set() if options else NOT_ALWAYS)
    for statement in statements:
        catalog.analyze(_RELATION.sub(r"`\1`", statement))
