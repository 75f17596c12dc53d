"""`microconv check` looks at export files by name and footer, and says what is wrong with each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest
from microconv.check import exports
from microconv.check.command import describe, summary_line
from microconv.check.problems import Problem
from microconv.check.project import check_project

PROJECT = Path(__file__).resolve().parents[2]
REAL_EXPORT = os.environ.get("GA4_REAL_EXPORT_FILES", "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the shipped seeds and no export."""
    shutil.copytree(PROJECT / "seeds", tmp_path / "seeds")
    (tmp_path / "dbt_project.yml").write_text("name: p\n")
    return tmp_path


PARAMS = "[{'key': 'k', 'value': {'string_value': 'x', 'int_value': 1::bigint}}]"
EVENT = {
    "event_date": "'20260101'",
    "event_timestamp": "1::bigint",
    "event_name": "'page_view'",
    "event_params": PARAMS,
    "user_pseudo_id": "'1.2'",
}


def write_day(path: Path, changed: dict[str, str | None] | None = None, rows: int = 1) -> Path:
    """Write a Parquet file of minimal events; a column given as None is left out."""
    columns = {name: sql for name, sql in {**EVENT, **(changed or {})}.items() if sql is not None}
    selected = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"copy (select {selected} from range({rows})) to '{path}' (format parquet)")
    return path


def export_problems(project: Path, pattern: str = "export/*") -> list[Problem]:
    return check_project(project, pattern).problems


def test_good_days_are_counted_and_nothing_is_said(project: Path) -> None:
    for name in ("events_20260101", "events_intraday_20260102", "events_fresh_20260102"):
        write_day(project / "export" / f"{name}.parquet")
    result = check_project(project, "export/events_*.parquet")
    assert (result.problems, result.file_count, result.day_count) == ([], 3, 2)
    assert summary_line(result) == (
        "Checked 14 conversions, 16 rules, 5 funnels, 3 export files, 2 days: all well."
    )


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"event_date": None, "user_pseudo_id": None}, "no column event_date, user_pseudo_id"),
        ({"event_params": "'{}'"}, "event_params is a text, not a list of structs"),
        ({"event_params": "[1]"}, "event_params is a list of INTEGER"),
        ({"event_params": "[{'key': 'k'}]"}, "no key and value"),
        ({"event_params": "[{'key': 'k', 'value': 1}]"}, "not a struct of string_value"),
        (
            {"event_timestamp": "timestamp '2026-01-01'"},
            "event_timestamp is a timestamp, not a number",
        ),
        ({"event_name": "{'a': 1}"}, "event_name is a struct, not a text"),
        ({"items": "'x'"}, "items is a text, not a list of structs"),
        ({"device": "'mobile'"}, "device is a text, not a struct"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_schema_is_refused(
    project: Path, changed: dict[str, str | None], words: str
) -> None:
    path = write_day(project / "export" / "events_20260101.parquet", changed)
    [problem] = export_problems(project)
    assert (problem.file, problem.severity) == (str(path), "error")
    assert words in problem.message and problem.remedy


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty (0 bytes)"),
        (b"event_date,event_name\n" * 9, "not Parquet"),
        (b'{"event_date": "20260101"}\n', "looks like JSON"),
        (b"\x1f\x8b" + b"0" * 20, "looks like a gzip archive"),
        (b"Obj\x01" + b"0" * 20, "looks like Avro"),
        (b"PAR1", "truncated"),
        (b"PAR1" + b"\0" * 30 + b"PAR1", "damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_parquet_is_refused(project: Path, content: bytes, words: str) -> None:
    path = project / "export" / "events_20260101.parquet"
    path.parent.mkdir()
    path.write_bytes(content)
    [problem] = export_problems(project)
    assert words in problem.message and problem.severity == "error" and problem.remedy


def test_a_truncated_file_is_refused_beside_good_ones(project: Path) -> None:
    write_day(project / "export" / "events_20260101.parquet")
    cut = write_day(project / "export" / "events_20260102.parquet")
    cut.write_bytes(cut.read_bytes()[:-50])
    [problem] = export_problems(project)
    assert (problem.file, problem.message) == (
        str(cut),
        "The file is truncated: its end is missing.",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(project: Path) -> None:
    write_day(project / "export" / "events_20260101.parquet").chmod(0)
    assert "cannot be read" in export_problems(project)[0].message


def test_a_file_that_vanishes_is_refused(project: Path) -> None:
    found = exports.ExportFiles()
    exports._check_file(project / "events_20260101.parquet", found)
    assert "cannot be read" in found.problems[0].message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("notes.parquet", "not that of an export day"),
        ("events_20260101.csv", "not that of an export day"),
        ("users_20260101.parquet", "not that of an export day"),
        ("events_20261301.parquet", "20261301 is not a date"),
    ],
)
def test_other_names_are_ignored_with_a_warning(project: Path, name: str, words: str) -> None:
    write_day(project / "export" / "events_20260101.parquet")
    (project / "export" / name).write_bytes(b"x")
    [problem] = export_problems(project)
    assert problem.severity == "warning" and words in problem.message


def test_a_day_without_rows_warns(project: Path) -> None:
    write_day(project / "export" / "events_20260101.parquet")
    path = write_day(project / "export" / "events_20260102.parquet", rows=0)
    [problem] = export_problems(project)
    assert (problem.file, problem.severity) == (
        str(path),
        "warning",
    ) and "no rows" in problem.message


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("nothing/*.parquet", "No export files match. Point GA4_EXPORT_FILES"),
        ("export", "write 'export/events_*.parquet'"),
        ("export/*.txt", "None of the 1 matching files"),
        (exports.DEFAULT_PATTERN, "Run `make demo`"),
    ],
)
def test_no_export_at_all_is_refused(project: Path, pattern: str, words: str) -> None:
    (project / "export").mkdir()
    (project / "export" / "readme.txt").write_text("x")
    errors = [p for p in export_problems(project, pattern) if p.severity == "error"]
    assert len(errors) == 1 and words in describe(errors[0])


def test_the_environment_names_the_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_day(project / "export" / "events_20260101.parquet")
    monkeypatch.setenv("GA4_EXPORT_FILES", "export/events_*.parquet")
    assert check_project(project).file_count == 1


def test_a_project_that_reads_bigquery_tables_needs_no_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GA4_EXPORT_FILES", raising=False)
    (project / "dbt_project.yml").write_text("vars: {ga4_dataset: analytics_1}\n")
    assert (check_project(project).problems, check_project(project).file_count) == ([], None)


def test_files_behind_an_address_are_left_alone(project: Path) -> None:
    [problem] = export_problems(project, "gs://bucket/events_*.parquet")
    assert problem.severity == "warning"


def test_a_small_disk_warns(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_day(project / "export" / "events_20260101.parquet")
    monkeypatch.setattr(exports.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    [problem] = export_problems(project)
    assert problem.severity == "warning" and "0.0 GB free" in problem.message
    monkeypatch.setenv("DUCKDB_PATH", ":memory:")
    assert export_problems(project) == []


@pytest.mark.skipif(not REAL_EXPORT, reason="GA4_REAL_EXPORT_FILES names no real export days")
def test_the_real_days_are_accepted(project: Path) -> None:
    result = check_project(project, REAL_EXPORT)
    assert (result.problems, result.file_count, result.day_count) == ([], 26, 26)
