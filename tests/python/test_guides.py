"""The guides are true: links lead somewhere, code runs, another project can import this one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from evidence_warehouse import run
from export_rows import copy_tables
from metric_queries import duckdb_layer
from microconv.demo import generate_demo
from project_run import PROJECT, Warehouse
from report_case import UNTIL, built_report, use

GUIDES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
BIN = Path(sys.executable).parent


def blocks(guide: str, language: str) -> list[str]:
    text = (PROJECT / "docs" / guide).read_text(encoding="utf-8")
    return [code for name, code in BLOCK.findall(text) if name == language]


def anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_link_leads_somewhere(guide: Path) -> None:
    wrong = []
    for target in LINK.findall(guide.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, part = target.partition("#")
        path = (guide.parent / name).resolve() if name else guide
        if not path.exists():
            wrong.append(target)
        elif part:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            if part not in {anchor(one) for one in headings}:
                wrong.append(target)
    assert not wrong


def test_every_guide_is_linked_from_the_index() -> None:
    linked = set(LINK.findall((PROJECT / "docs" / "index.md").read_text(encoding="utf-8")))
    named = {path.name for path in (PROJECT / "docs").glob("*.md")} - {"index.md"}
    assert named <= linked


@pytest.mark.slow
def test_the_page_for_data_scientists_runs(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = built_report(tmp_path_factory)
    use(warehouse, monkeypatch)
    known: dict[str, Any] = {"__name__": "page"}
    for code in blocks("data_scientist.md", "python"):
        exec(compile(code, "docs/data_scientist.md", "exec"), known)
    said = capsys.readouterr().out
    written = dict(
        warehouse.rows(
            "select micro_name, verdict from evidence_micro_conversions"
            " where macro_name = 'purchase'"
        )
    )
    judged = {one.micro_name: str(one.judgement.verdict) for one in known["evidence"].findings}
    assert judged == written and len(written) > 5
    assert f"view_size_guide {written['view_size_guide']}" in said
    [(lift, low)] = warehouse.rows(
        "select matched_lift, matched_lift_low from evidence_micro_conversions"
        " where macro_name = 'purchase' and micro_name = 'view_size_guide'"
    )
    assert (known["found"].lift.value, known["found"].lift.low) == pytest.approx((lift, low))


# ---- a project that imports this one -------------------------------------------------------------


def in_project(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in the folder of a project, as its user would run it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DBT_", "DUCKDB_", "GA4_", "SEEDS_"))
    }
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=folder,
        env=kept
        | {
            "DBT_PROFILES_DIR": str(folder),
            "DUCKDB_PATH": str(folder / "company.duckdb"),
            "GA4_EXPORT_FILES": str(folder / "export" / "events_*.parquet"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the guide: the yaml and SQL that it prints, around another catalog."""
    folder = tmp_path_factory.mktemp("company")
    packages, settings = blocks("analytics_engineer.md", "yaml")
    [query] = blocks("analytics_engineer.md", "sql")
    local = re.sub(r"local: \S+", f"local: {PROJECT}", packages)
    (folder / "packages.yml").write_text(local)
    own = {"name": "my_company", "profile": "micro_conversions", "model-paths": ["models"]}
    parsed = yaml.safe_load(settings)
    # On DuckDB there is no dataset of the export, and the demo's shop is in New York.
    parsed["vars"]["micro_conversions"] = {"minimum_group_size": 31}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(own | parsed))
    for name in ("models", "seeds"):
        (folder / name).mkdir()
    (folder / "models" / "weekly_orders.sql").write_text(query)
    catalog = (PROJECT / "seeds" / "conversion_catalog.csv").read_text(encoding="utf-8")
    renamed = catalog.replace("purchase,Purchase,", "purchase,Order placed,")
    assert renamed != catalog
    (folder / "seeds" / "conversion_catalog.csv").write_text(renamed)
    shutil.copy(PROJECT / "profiles.example.yml", folder / "profiles.yml")
    generate_demo(folder / "export", days=3, visitors_per_day=15, seed=7, until=UNTIL)
    for command in (("dbt", "deps"), ("dbt", "build", "--exclude-resource-type", "unit_test")):
        done = in_project(folder, *command)
        assert done.returncode == 0, done.stdout[-4000:]
    return folder


@pytest.mark.slow
def test_another_project_builds_with_a_list_of_its_own(importing: Path) -> None:
    import duckdb

    with duckdb.connect(str(importing / "company.duckdb"), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, count(*) from information_schema.tables group by all"
        ).fetchall()
        label = connection.execute(
            "select label from ga4.dim_conversions where conversion_name = 'purchase'"
        ).fetchall()
        smallest = connection.execute(
            "select min(session_count) from ga4.mart_segment_conversions"
            " where session_conversion_rate is not null"
        ).fetchall()
        weekly = connection.execute("select count(*) from main.weekly_orders").fetchall()
    assert dict(tables)["ga4"] > 100
    assert label == [("Order placed",)] and weekly[0][0] > 0
    assert smallest[0][0] >= 31


@pytest.mark.slow
def test_the_commands_read_the_tables_of_a_package(importing: Path) -> None:
    said = in_project(importing, "microconv", "summary", "--format", "json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["funnels"]
    done = in_project(importing, "microconv", "export", "--to", "files", "--table", "bi_funnels")
    assert done.returncode == 0, done.stderr
    assert (importing / "files" / "bi_funnels.parquet").exists()


@pytest.mark.slow
def test_steps_in_between_are_no_ground_to_build_on(importing: Path) -> None:
    model = importing / "models" / "wrong.sql"
    model.write_text('select * from {{ ref("int_visitors_changed") }}')
    try:
        done = in_project(importing, "dbt", "parse")
    finally:
        model.unlink()
    assert done.returncode != 0
    assert "not allowed because the referenced node is protected" in " ".join(done.stdout.split())


# ---- documentation and metrics by their own tools ------------------------------------------------


@pytest.mark.slow
def test_the_documentation_is_one_file_from_source_to_report(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    built = built_report(tmp_path_factory)
    shop = Warehouse(tmp_path, str(built.export / "events_*.parquet"), is_as_shipped=True)
    copy_tables(built.path, shop.path)
    shop.dbt("docs", "generate", "--static").must_succeed()
    page = (tmp_path / "target" / "static_index.html").read_text(encoding="utf-8")
    # What it shows lies inside.
    assert "Micro-conversion analytics for GA4" in page
    manifest = json.loads((tmp_path / "target" / "manifest.json").read_text())
    parents: dict[str, list[str]] = manifest["parent_map"]
    reached, waiting = set(), ["exposure.micro_conversions.microconv_report"]
    while waiting:
        found = waiting.pop()
        if found not in reached:
            reached.add(found)
            waiting += parents.get(found, [])
    assert any(name.startswith("source.") for name in reached)
    assert '"bi_funnels"' in page and "exposure.micro_conversions.dashboards" in page


@pytest.mark.slow
def test_metricflow_validates_the_layer_against_a_build(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = built_report(tmp_path_factory)
    use(warehouse, monkeypatch)
    # It reads target/ of the project's folder, whatever dbt was told.
    shutil.copy(PROJECT / "dbt_project.yml", tmp_path)
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "semantic_manifest.json").write_text(duckdb_layer().text)
    monkeypatch.setenv("DBT_PROJECT_DIR", str(tmp_path))
    monkeypatch.delenv("DBT_TARGET_PATH")
    done = subprocess.run(
        [str(BIN / "mf"), "validate-configs", "--show-all"],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    counts = re.findall(r"\(ERRORS: (\d+), FUTURE_ERRORS: (\d+)", said)
    # The definitions; then models, dimensions, entities, measures and metrics in the database.
    assert counts == [("0", "0")] * 6, said[-3000:]


def test_the_help_of_export_says_what_it_leaves_out() -> None:
    said = run("export", "--help").output
    assert "--with-visitors" in said and "microconv export --to" in " ".join(said.split())
