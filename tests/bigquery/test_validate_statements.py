"""What `validate` asks of the raw export: the same counts on both warehouses, and few columns."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from microconv.cost.reads import load_statements
from microconv.validate.read import Profile

from .compile_offline import EXPORT_DATASET, PROJECT, bigquery_output, write_profile
from .conftest import ROOT
from .export_schema import EXPORT_2026
from .fixture import write_parquet
from .fixture_events import fixture_events
from .googlesql import Catalog
from .project import EXPORT_TABLE, export_wildcards, is_export, metadata_catalog
from .reads import reads
from .reference_run import ReferenceWarehouse
from .stub import serving

pytestmark = pytest.mark.slow

DAYS, BASELINE_DAYS = 9, 5
# In a process of its own: dbt's adapters belong to one.
READ = f"""
import pathlib, pickle, sys
from microconv.validate.read import read_profile
profile = read_profile(pathlib.Path(sys.argv[1]), None, {DAYS}, {BASELINE_DAYS})
pathlib.Path(sys.argv[2]).write_bytes(pickle.dumps(profile))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the fixture's export as its property."""
    copy = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "macros", copy / "macros")
    text = (ROOT / "dbt_project.yml").read_text()
    text = text.replace('ga4_project: ""', f"ga4_project: {PROJECT}")
    (copy / "dbt_project.yml").write_text(
        text.replace('ga4_dataset: ""', f"ga4_dataset: {EXPORT_DATASET}")
    )
    return copy


def read(project: Path, profiles: Path, **environment: str) -> Profile:
    done = profiles / "profile.pickle"
    given = {"DBT_PROFILES_DIR": str(profiles), "NO_PROXY": "127.0.0.1", **environment}
    subprocess.run(
        [sys.executable, "-c", READ, str(project), str(done)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts"), **given},
        check=True,
        timeout=300,
    )
    profile: Profile = pickle.loads(done.read_bytes())
    return profile


@pytest.fixture(scope="module")
def on_duckdb(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    work = tmp_path_factory.mktemp("duckdb")
    shutil.copy(ROOT / "profiles.example.yml", work / "profiles.yml")
    files = write_parquet(fixture_events(), EXPORT_2026, work / "export")
    return read(project, work, GA4_EXPORT_FILES=files)


@pytest.fixture(scope="module")
def asked(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, list[str]]:
    """The profile that Google's reference executor gives, and the statements that it ran."""
    work = tmp_path_factory.mktemp("bigquery")
    warehouse = ReferenceWarehouse()
    warehouse.give_export(EXPORT_2026, fixture_events())
    with serving(warehouse) as address:
        write_profile(project, work, bigquery_output(address))
        profile = read(project, work)
    return profile, [re.sub(r"^\s*/\*.*?\*/\s*", "", one, flags=re.S) for one in warehouse.queries]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    found = metadata_catalog()
    for name, columns in export_wildcards(EXPORT_TABLE, EXPORT_2026).items():
        found.add(name, columns)
    return found


def test_both_warehouses_count_the_same(
    on_duckdb: Profile, asked: tuple[Profile, list[str]]
) -> None:
    on_bigquery, _ = asked
    assert on_bigquery.days == on_duckdb.days
    assert on_bigquery.mix == on_duckdb.mix and len(on_duckdb.mix) > len(on_duckdb.days) > 4
    assert on_bigquery.judged == on_duckdb.judged
    assert on_bigquery.kinds == on_duckdb.kinds
    assert [(one.event_date, one.kind) for one in on_bigquery.tables] == [
        (one.event_date, one.kind) for one in on_duckdb.tables
    ]


def test_the_fixture_has_something_to_count(on_duckdb: Profile) -> None:
    """Equal because nothing is there would prove nothing."""
    sums: dict[str, int] = {}
    for row in on_duckdb.days:
        for name, value in row.items():
            if name.endswith("_count"):
                sums[name] = sums.get(name, 0) + int(str(value))
    assert [name for name, value in sums.items() if not value] == []


def test_google_accepts_every_statement(asked: tuple[Profile, list[str]], catalog: Catalog) -> None:
    statements = [one for one in asked[1] if one.strip() != "select 1 as one"]
    assert len(statements) >= 5
    for statement in statements:
        catalog.analyze(statement)


def test_few_columns_of_few_days_are_read(
    asked: tuple[Profile, list[str]], catalog: Catalog
) -> None:
    """Parameters by their names alone: their values are most of what a day weighs."""
    profile, statements = asked
    raw = [
        one
        for statement in statements
        if "`events_" in statement
        for one in reads(catalog.analyze(statement))
        if is_export(one.table)
    ]
    columns = {column for one in raw for column in one.columns}
    assert columns == {
        *("event_date", "event_timestamp", "event_name", "user_pseudo_id", "event_params.key"),
        *("ecommerce.purchase_revenue_in_usd", "ecommerce.purchase_revenue"),
        "ecommerce.transaction_id",
    }
    judged = {f"{day:%Y%m%d}" for _, day in profile.judged}
    for one in raw:
        assert one.days is not None
        dates = {day[-7:] for day in one.days}
        is_mix = one.columns == {"event_name"}
        assert is_mix or dates <= {day[-7:] for day in judged}
        assert len(dates) <= DAYS + BASELINE_DAYS


def test_the_command_cost_knows_them(asked: tuple[Profile, list[str]], catalog: Catalog) -> None:
    """Which columns of the raw export in how many statements, and how many ask for metadata."""
    known = [one for one in load_statements() if one.kind == "validate"]
    raw, others = Counter[str](), 0
    for statement in asked[1]:
        if statement.strip() == "select 1 as one":
            continue
        tables = [one for one in reads(catalog.analyze(statement)) if is_export(one.table)]
        others += not tables
        raw.update([" ".join(sorted({name for one in tables for name in one.columns}))])
    del raw[""]
    assert raw == {" ".join(one.reads[0].columns): one.count for one in known if one.reads}
    assert others == sum(one.count for one in known if not one.reads)
