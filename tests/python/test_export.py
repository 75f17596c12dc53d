"""`microconv export`: what is in the files, whose rows, and what a failure leaves."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evidence_warehouse import run
from export_rows import change_tables, copy_tables
from microconv.errors import MicroconvError
from microconv.export import files
from microconv.export.files import FileFormat, Folder
from microconv.export.tables import Column, Table
from microconv.profile import open_warehouse
from project_run import Warehouse
from report_case import built_report, use

PERSONS = ("dim_visitors", "fct_sessions", "fct_funnel_attempt_steps", "bi_leads")
FORMULA = '=HYPERLINK("http://bad.example")'


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Path]:
    """A build in which every third visitor refused, every fifth only advertising."""
    warehouse = built_report(tmp_path_factory)
    database = tmp_path_factory.mktemp("export") / "micro_conversions.duckdb"
    copy_tables(warehouse.path, database)
    number = "cast(('0x' || md5(visitor_id)[1:8]) as bigint)"
    change_tables(
        database,
        f"update dim_visitors set has_consent = false where {number} % 3 = 0",
        f"update dim_visitors set has_ads_consent = false where {number} % 5 = 0",
        "update dim_conversions set label = '" + FORMULA + "' where conversion_name = 'purchase'",
    )
    return warehouse, database


@pytest.fixture
def project(changed: tuple[Warehouse, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    use(changed[0], monkeypatch, changed[1])
    return changed[1]


def manifest_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text()))


def done(folder: Path, *options: str) -> dict[str, Any]:
    result = run("export", "--to", str(folder), *options)
    assert result.exit_code == 0, result.output
    return manifest_of(folder)


def rows_of(project: Path, sql: str) -> list[dict[str, Any]]:
    with open_warehouse() as warehouse:
        return list(warehouse.run_query(sql))


@pytest.mark.slow
def test_files_hold_the_rows_of_the_tables(project: Path, tmp_path: Path) -> None:
    manifest = done(tmp_path / "bi")
    names = {one["name"] for one in manifest["tables"]}
    assert {"mart_kpis", "dim_dates", "bi_funnels", "evidence_micro_conversions"} <= names
    assert manifest["as_of_date"] == "2026-11-08" and manifest["format"] == "parquet"
    counts = " union all ".join(
        f"select '{name}' as name, count(*) as found from {name}" for name in sorted(names)
    )
    found = {row["name"]: row["found"] for row in rows_of(project, counts)}
    for one in manifest["tables"]:
        table = pq.read_table(tmp_path / "bi" / one["file"])
        assert table.num_rows == one["row_count"] == found[one["name"]], one["name"]
        assert table.column_names == [column["name"] for column in one["columns"]]
        assert one["name"].startswith("evidence_") or all(c["description"] for c in one["columns"])
    kpis = pq.read_table(tmp_path / "bi" / "mart_kpis.parquet")
    assert kpis.schema.field("value").type == pa.float64()
    assert kpis.schema.field("period_start_date").type == pa.date32()
    [total] = rows_of(project, "select sum(numerator) as found from mart_kpis")
    assert sum(x for x in kpis["numerator"].to_pylist() if x) == pytest.approx(total["found"])


@pytest.mark.slow
def test_rows_of_persons_are_kept_back_unless_asked_for(project: Path, tmp_path: Path) -> None:
    manifest = done(tmp_path / "bi")
    assert {*PERSONS} <= {*manifest["left_out"]}
    found = {column["name"] for one in manifest["tables"] for column in one["columns"]}
    assert not found & {"visitor_id", "user_pseudo_id", "unit_id", "session_id", "event_id"}
    refused = run("export", "--to", str(tmp_path / "x"), "--table", "fct_sessions")
    assert refused.exit_code == 2 and "--with-visitors" in refused.output
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_only_who_consented_is_exported_under_a_hash(project: Path, tmp_path: Path) -> None:
    manifest = done(tmp_path / "bi", "--with-visitors", "--format", "csv")
    assert manifest["left_out"] == []
    allowed = rows_of(
        project,
        """
        select visitor_id, sha256(visitor_id) as hashed, has_ads_consent
        from dim_visitors where has_consent
        """,
    )
    hashes = {row["hashed"] for row in allowed}
    reminded = {row["hashed"] for row in allowed if row["has_ads_consent"]}
    assert len(reminded) < len(hashes)
    raw = {
        str(row["visitor_id"]) for row in rows_of(project, "select visitor_id from dim_visitors")
    }
    devices = {
        str(row["user_pseudo_id"])
        for row in rows_of(project, "select distinct user_pseudo_id from fct_sessions")
    }
    for one in manifest["tables"]:
        text = (tmp_path / "bi" / one["file"]).read_text()
        if "consent" not in one:
            continue
        with (tmp_path / "bi" / one["file"]).open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert "user_pseudo_id" not in text.splitlines()[0]
        if one["name"] != "fct_funnel_attempt_steps":
            expected = reminded if one["consent"] == "analytics and ads" else hashes
            assert {row["visitor_id"] for row in rows} <= expected, one["name"]
        for row in rows[:200]:
            cells = {*row.values()}
            assert not cells & (raw | devices), one["name"]
            assert not [cell for cell in cells for part in cell.split("-") if part in devices]
    counted = {one["name"]: one for one in manifest["tables"]}
    assert counted["dim_visitors"]["row_count"] == len(hashes)
    assert counted["dim_visitors"]["rows_without_consent"] == len(raw) - len(hashes)
    steps = counted["fct_funnel_attempt_steps"]
    assert steps["row_count"] > 0 < steps["rows_without_consent"]
    assert counted["bi_leads"]["consent"] == "analytics and ads"


def test_a_formula_in_csv_is_text(project: Path, tmp_path: Path) -> None:
    done(tmp_path / "bi", "--format", "csv", "--table", "dim_conversions")
    text = (tmp_path / "bi" / "dim_conversions.csv").read_text()
    assert "\"'=HYPERLINK(" in text and ',"=HYPERLINK' not in text


def test_only_the_owner_may_read_and_an_old_file_goes(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bi"
    done(folder, "--format", "csv", "--table", "mart_kpis", "--table", "dim_dates")
    (folder / "mine.csv").write_text("x")
    done(folder, "--table", "mart_kpis")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["manifest.json", "mart_kpis.parquet", "mine.csv"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "mart_kpis.parquet").stat().st_mode) == 0o600


def test_a_name_that_is_not_there_is_refused(project: Path, tmp_path: Path) -> None:
    refused = run("export", "--to", str(tmp_path / "bi"), "--table", "mart_nothing")
    assert refused.exit_code == 2 and "mart_nothing" in refused.output
    (tmp_path / "file").write_text("x")
    refused = run("export", "--to", str(tmp_path / "file"))
    assert refused.exit_code == 2 and "is a file" in refused.output


TABLE = Table("t", "t", "", (Column("name", "text", ""), Column("at", "timestamp", "")))


def batch(*names: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {"name": pa.array(names), "at": pa.array([0] * len(names), pa.timestamp("us"))}
    )


def test_what_fails_leaves_the_last_export(tmp_path: Path) -> None:
    def failing() -> Any:
        yield batch("a")
        raise MicroconvError("The warehouse is gone.")

    folder = Folder(tmp_path, FileFormat.PARQUET)
    written = folder.write(TABLE, [batch("old")])
    folder.finish({"tables": [{"file": written.name}]})
    before = (tmp_path / "t.parquet").read_bytes()
    again = Folder(tmp_path, FileFormat.PARQUET)
    with pytest.raises(MicroconvError):
        again.write(TABLE, failing())
    again.clean()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "t.parquet"]
    assert (tmp_path / "t.parquet").read_bytes() == before


def test_a_manifest_names_no_file_of_another_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("x")
    inside = tmp_path / "bi"
    inside.mkdir()
    (inside / files.MANIFEST).write_text(json.dumps({"tables": [{"file": "../outside.csv"}]}))
    folder = Folder(inside, FileFormat.CSV)
    folder.write(TABLE, [batch("new")])
    folder.finish({"tables": []})
    assert outside.exists()


def test_times_of_both_warehouses_are_written_alike(tmp_path: Path) -> None:
    """DuckDB's have no zone, BigQuery's have UTC; both mean UTC."""
    zoned = pa.RecordBatch.from_pydict(
        {"name": pa.array(["b"]), "at": pa.array([0], pa.timestamp("us", tz="UTC"))}
    )
    folder = Folder(tmp_path, FileFormat.PARQUET)
    folder.write(TABLE, [batch("a"), zoned])
    folder.finish({"tables": []})
    found = pq.read_table(tmp_path / "t.parquet")
    assert found.num_rows == 2
    assert len({value.isoformat() for value in found["at"].to_pylist()}) == 1
