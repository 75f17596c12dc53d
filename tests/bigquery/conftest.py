"""What the rungs share: each project is compiled once a session, whichever test asks first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from . import passed
from .analysis import Analysis, analyze_project
from .bq_types import Row
from .compile_offline import EXPORT_DATASET, PROJECT, Compiled, compile_project
from .daily_run import warehouse_of_the_day
from .dbt_process import start_early
from .engine import SqlError
from .execute import shard_counts
from .export_schema import EXPORTS
from .fixture_events import fixture_events
from .googlesql import Column, Result
from .metadata import metadata_rows
from .project import metadata_catalog
from .stub import Warehouse, no_rows
from .toy import write_toy

ROOT = Path(__file__).parents[2]
# The fixture holds ten days: too few to follow anybody for two weeks.
HORIZON_DAYS = 3
VARIABLES = {
    "ga4_project": PROJECT,
    "ga4_dataset": EXPORT_DATASET,
    "evidence_horizon_days": HORIZON_DAYS,
}


def warehouse(
    export: list[Column],
    existing: Mapping[str, list[Column]] | None = None,
    answering: Mapping[str, Result] | None = None,
    datasets: Iterable[str] = (EXPORT_DATASET,),
) -> Warehouse:
    """A warehouse that holds the fixture's shards and answers as Google's executor computes.

    `existing` are the tables that dbt finds, by full name; `answering` are results that queries may
    read besides; each of `datasets` holds an export. A query that names any other table has no
    rows: in a run its parents are built before a model is compiled. Whether the query is right is
    for the analyzer, which gets it later.
    """
    catalog = metadata_catalog(datasets)
    rows: dict[str, list[Row]] = {}
    for dataset in datasets:
        rows |= metadata_rows(f"{PROJECT}.{dataset}", export, shard_counts(fixture_events()))
    for name, columns in (existing or {}).items():
        catalog.add(name, columns)
    for name, result in (answering or {}).items():
        catalog.add(name, result.columns)
        rows[name] = result.rows

    def answer(sql: str) -> Result:
        try:
            return catalog.evaluate(sql, rows)
        except SqlError:
            return no_rows(sql)

    return Warehouse(existing or {}, answer)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of models and rungs, where any rung has run."""
    for line in passed.lines():
        terminalreporter.write_line(line)


def pytest_collection_finish(session: pytest.Session) -> None:
    """dbt is imported in the background while the first tests run.

    Not by workers that share the tests: one may get none of these.
    """
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and any(Path(__file__).parent in item.path.parents for item in session.items):
        start_early()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what its tests noted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["passed"] = passed.results()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The process that started the workers takes what they noted."""
    passed.add(getattr(node, "workeroutput", {}).get("passed", {}))


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the toy project."""
    return write_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def compiled_toy(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The toy project, compiled for a full build."""
    work = tmp_path_factory.mktemp("compiled")
    return compile_project(toy, work, warehouse(EXPORTS["2026"]), VARIABLES)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all compilations of our project share: dbt parses once and then partially."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def full(work: Path) -> Compiled:
    """Our project as the first run sees it, no table exists, on the export of 2026."""
    return compile_project(ROOT, work, warehouse(EXPORTS["2026"]), VARIABLES)


@pytest.fixture(scope="session")
def full_2020(work: Path) -> Compiled:
    """Our project as the first run sees it on the export of 2020."""
    return compile_project(ROOT, work, warehouse(EXPORTS["2020"]), VARIABLES)


@pytest.fixture(scope="session")
def analyzed(full: Compiled) -> Analysis:
    """The full build on the export of 2026."""
    return analyze_project(full, EXPORTS["2026"])


@pytest.fixture(scope="session")
def incremental(full: Compiled, analyzed: Analysis, work: Path) -> Compiled:
    """Our project on an ordinary day: all tables exist, with the columns of the full build."""
    return compile_project(ROOT, work, warehouse_of_the_day(analyzed.tables(full)), VARIABLES)
