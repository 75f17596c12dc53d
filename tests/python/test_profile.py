"""dbt's own profile opens the warehouse for `microconv`, which says plainly when it cannot."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from built_project import make_project
from microconv.errors import FINDINGS, USAGE, MicroconvError
from microconv.profile import find_project_dir, open_export, open_warehouse


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in (
        "DUCKDB_PATH",
        "DBT_PROFILES_DIR",
        "DBT_PROJECT_DIR",
        "DBT_TARGET",
        "DBT_TARGET_PATH",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    yield make_project(tmp_path)


def refusal(project: Path) -> MicroconvError:
    with pytest.raises(MicroconvError) as caught, open_warehouse(project):
        pass
    assert caught.value.remedy
    return caught.value


def test_a_query_returns_plain_python_values(project: Path) -> None:
    with open_warehouse(project) as warehouse:
        [row] = warehouse.run_query("""
            select 3 as whole, cast(0.5 as double) as fraction, '007' as text, null as nothing,
                date '2026-01-02' as day, sum(2) as total
        """)
    assert row == {
        "whole": 3,
        "fraction": 0.5,
        "text": "007",
        "nothing": None,
        "day": date(2026, 1, 2),
        "total": 2,
    }
    assert [type(row[name]) for name in ("whole", "fraction", "total")] == [int, float, int]


def test_tables_are_found_by_model_name_on_the_target_in_use(project: Path) -> None:
    with open_warehouse(project) as warehouse:
        assert warehouse.relation("dim_conversions") == '"shop"."marts"."dim_conversions"'
        assert warehouse.place == f"DuckDB file {project / 'shop.duckdb'}, schema marts"


def test_a_layer_may_lie_in_a_schema_of_its_own(project: Path) -> None:
    settings = project / "dbt_project.yml"
    datasets = "vars: {layer_datasets: {marts: elsewhere}}\n"
    settings.write_text(settings.read_text() + datasets, encoding="utf-8")
    connection = duckdb.connect(str(project / "shop.duckdb"))
    connection.execute("create schema elsewhere")
    connection.execute("create table elsewhere.dim_conversions as select 1 as one")
    connection.close()
    with open_warehouse(project) as warehouse:
        assert warehouse.relation("dim_conversions") == '"shop"."elsewhere"."dim_conversions"'


@pytest.mark.parametrize(
    ("model", "words"),
    [("mart_unknown", "has no model 'mart_unknown'"), ("mart_never_built", "There is no table")],
)
def test_a_table_that_was_not_built_is_a_plain_error(project: Path, model: str, words: str) -> None:
    with open_warehouse(project) as warehouse, pytest.raises(MicroconvError, match=words) as caught:
        warehouse.relation(model)
    assert caught.value.exit_code == FINDINGS and "make build" in caught.value.remedy


def test_a_table_that_was_not_there_is_looked_for_again(project: Path) -> None:
    with open_warehouse(project, is_for_writing=True) as warehouse:
        with pytest.raises(MicroconvError, match="There is no table"):
            warehouse.relation("mart_never_built")
        warehouse.execute("create table marts.mart_never_built as select 1 as one")
        for _ in range(2):
            assert warehouse.relation("mart_never_built") == '"shop"."marts"."mart_never_built"'


@pytest.mark.parametrize("manifest", [None, "{"])
def test_a_project_that_was_not_built_is_a_plain_error(project: Path, manifest: str | None) -> None:
    path = project / "target" / "manifest.json"
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)
    with open_warehouse(project) as warehouse, pytest.raises(MicroconvError, match="not built yet"):
        warehouse.relation("dim_conversions")


def test_the_database_is_opened_for_reading_only(project: Path) -> None:
    with open_warehouse(project) as warehouse, pytest.raises(MicroconvError, match="read-only"):
        warehouse.run_query("create table marts.mine as select 1 as x")


def test_others_may_read_at_the_same_time(project: Path) -> None:
    script = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True); print('read')"
    with open_warehouse(project):
        done = subprocess.run(
            [sys.executable, "-c", script, str(project / "shop.duckdb")],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout == "read\n", done.stderr


def test_the_database_may_be_written_after_reading(project: Path) -> None:
    with open_warehouse(project) as warehouse:
        warehouse.run_query("select 1 as x")
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("create table marts.mine as select 1 as x")


def test_a_query_that_fails_is_a_plain_error(project: Path) -> None:
    with open_warehouse(project) as warehouse, pytest.raises(MicroconvError, match="no_such"):
        warehouse.run_query("select no_such from marts.dim_conversions")


def test_a_database_that_another_program_writes_is_named(project: Path) -> None:
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(project / "shop.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "open\n"
        error = refusal(project)
        writer.communicate("\n")
    assert re.search(rf"in use by .*\(PID {writer.pid}\)", error.message)
    assert error.exit_code == FINDINGS


def test_a_missing_database_is_not_created(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUCKDB_PATH", "other.duckdb")
    error = refusal(project)
    assert f"There is no DuckDB file {project / 'other.duckdb'}" in error.message
    assert not (project / "other.duckdb").exists()


def test_a_file_that_is_no_database_is_a_plain_error(project: Path) -> None:
    (project / "shop.duckdb").write_text("not a database" * 100)
    assert "not a valid DuckDB database file" in refusal(project).message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no profiles.yml"),
        ("shop: [", "warehouse or its profile said"),
        ("other: {}", "profile named 'shop'"),
    ],
)
def test_a_missing_or_wrong_profile_is_a_plain_error(
    project: Path, content: str | None, words: str
) -> None:
    path = project / "profiles.yml"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert words in refusal(project).message


def test_the_profile_may_lie_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "home").mkdir()
    (project / "profiles.yml").rename(project / "home" / "profiles.yml")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(project / "home"))
    with open_warehouse(project) as warehouse:
        assert warehouse.run_query("select 1 as x") == [{"x": 1}]


def test_the_project_is_found_from_a_folder_inside(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "target")
    assert find_project_dir() == project
    monkeypatch.setenv("DBT_PROJECT_DIR", str(project / "target"))
    with pytest.raises(MicroconvError, match=r"no dbt_project\.yml") as caught:
        find_project_dir()
    assert caught.value.exit_code == USAGE


MACROS = """
{% macro listed(least) %}
    {%- set found -%}
        select path from read_csv('{{ env_var("MY_FILES") }}')
        where size >= {{ least }} order by path
    {%- endset -%}
    {{- return(run_query(found).columns[0].values() | list) -}}
{% endmacro %}

{% macro refused() %}{{ exceptions.raise_compiler_error("It is no export.") }}{% endmacro %}
"""


def test_macros_of_the_project_look_at_the_export_before_any_build(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the project's folder, with the warehouse in use by somebody else or not there."""
    (project / "macros").mkdir()
    (project / "macros" / "listed.sql").write_text(MACROS)
    (project / "files.csv").write_text("path,size\nb,2\na,3\nc,1\n")
    (project / "shop.duckdb").unlink()
    monkeypatch.setenv("MY_FILES", "files.csv")
    with open_export(project) as warehouse:
        assert warehouse.call_macro("listed", least=2) == ["a", "b"]
        assert warehouse.run_query("select 1 as x") == [{"x": 1}]
        with pytest.raises(MicroconvError, match=r"It is no export\."):
            warehouse.call_macro("refused")
        with pytest.raises(MicroconvError, match="not find a macro"):
            warehouse.call_macro("unknown")
    assert not list(project.glob("*.duckdb"))
