"""`microconv export` through the real dbt-bigquery adapter writes the files that DuckDB gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from bigquery.compile_offline import DATASET, bigquery_output, write_profile
from google.cloud import bigquery

from .server import PYTHON, client, running

# More rows than a page of results holds, and one of each kind of value.
PEOPLE = 25_000
TYPES = {
    "dim_visitors": {"visitor_id": "string", "has_consent": "bool", "has_ads_consent": "bool"},
    "fct_sessions": {
        **{"session_id": "string", "visitor_id": "string", "user_pseudo_id": "string"},
        **{"session_date": "date", "started_at": "timestamp", "event_count": "int64"},
        "revenue_usd": "float64",
    },
    "int_export_as_of": {"as_of_date": "date"},
    "mart_evidence_checks": {"macro_name": "string"},
    "mart_kpis": {"kpi_name": "string", "value": "float64", "period_start_date": "date"},
}
ON_DUCKDB = {"string": "varchar", "int64": "bigint", "float64": "double", "bool": "boolean"}


def selects(is_duckdb: bool) -> dict[str, str]:
    """The rows of each table, in the words of each warehouse."""
    numbers = f"range({PEOPLE}) as numbers(n)"
    if not is_duckdb:
        numbers = f"unnest(generate_array(0, {PEOPLE - 1})) as n"
    text = "varchar" if is_duckdb else "string"
    return {
        "dim_visitors": f"select 'v' || cast(n as {text}) as visitor_id, mod(n, 3) > 0"
        f" as has_consent, mod(n, 5) > 0 as has_ads_consent from {numbers}",
        "fct_sessions": f"select 'd-' || cast(n as {text}) as session_id, 'v' || cast(n as {text})"
        " as visitor_id, 'device' as user_pseudo_id, date '2026-11-08' as session_date,"
        " timestamp '2026-11-08 12:00:00.5' as started_at, n as event_count,"
        f" case when mod(n, 2) = 0 then n / 8.0 end as revenue_usd from {numbers}",
        "int_export_as_of": "select date '2026-11-08' as as_of_date",
        "mart_evidence_checks": "select 'purchase' as macro_name",
        "mart_kpis": "select '=Größe 尺码 😀' as kpi_name, 0.125 as value,"
        " cast(null as date) as period_start_date",
    }


def project(folder: Path, is_duckdb: bool) -> Path:
    """A project as a build leaves it: settings and manifest."""
    (folder / "target").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\nmodel-paths: [models]\n")
    nodes: dict[str, Any] = {}
    for name, types in TYPES.items():
        columns = {
            column: {"data_type": ON_DUCKDB.get(kind, kind) if is_duckdb else kind}
            for column, kind in types.items()
        }
        nodes[f"model.shop.{name}"] = {
            **{"name": name, "alias": name, "resource_type": "model", "package_name": "shop"},
            **{"fqn": ["shop", "marts", name], "database": None, "columns": columns},
            "config": {"database": None, "schema": None},
        }
    (folder / "target" / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    return folder


def exported(folder: Path) -> Path:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("microconv")),
            "export",
            "--to",
            "files",
            "--with-visitors",
        ],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "files"


@pytest.fixture(scope="module")
def on_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not PYTHON.exists():
        pytest.skip("`make setup-emulator` installs it")
    folder = tmp_path_factory.mktemp("export")
    with running(folder / "server") as address:
        warehouse = client(address)
        warehouse.create_dataset(bigquery.Dataset(f"{warehouse.project}.{DATASET}"))
        for name, select in selects(is_duckdb=False).items():
            warehouse.query(f"create table {DATASET}.{name} as {select}").result()
        shop = project(folder / "shop", is_duckdb=False)
        write_profile(shop, shop, bigquery_output(address))
        yield exported(shop)


def test_files_from_both_warehouses_are_alike(on_emulator: Path, tmp_path: Path) -> None:
    shop = project(tmp_path / "shop", is_duckdb=True)
    (shop / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n"
        "    dev: {type: duckdb, path: shop.duckdb, schema: main}\n"
    )
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        for name, select in selects(is_duckdb=True).items():
            connection.execute(f"create table {name} as {select}")
    on_duckdb = exported(shop)
    for name in ("dim_visitors", "fct_sessions", "mart_kpis"):
        one, other = (
            pq.read_table(folder / f"{name}.parquet") for folder in (on_duckdb, on_emulator)
        )
        assert one.schema.equals(other.schema)
        assert one.num_rows > 0
        order = [(one.column_names[0], "ascending")]
        assert one.sort_by(order).equals(other.sort_by(order)), name
    counted = {
        one["name"]: one
        for one in json.loads((on_emulator / "manifest.json").read_text())["tables"]
    }
    assert counted["fct_sessions"]["row_count"] == PEOPLE - -(-PEOPLE // 3)
    assert counted["fct_sessions"]["rows_without_consent"] == -(-PEOPLE // 3)
