"""What dbt sends while it runs, tables and scripts and all, resolved by Google's analyzer.

Compiling shows the SELECT of a model; a run wraps it: `create table … partition by`, the
transaction of an incremental model, the questions of macros.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .analysis import Analysis
from .compile_offline import Compiled, run_project
from .conftest import ROOT, VARIABLES, warehouse
from .engine import EngineTrapError, SqlError
from .export_schema import EXPORTS
from .project import relation
from .script import analyze_script

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first_run(full: Compiled, analyzed: Analysis, work: Path) -> dict[str, list[str]]:
    return statements(full, analyzed, work, is_full_refresh=True)


@pytest.fixture(scope="module")
def later_run(full: Compiled, analyzed: Analysis, work: Path) -> dict[str, list[str]]:
    return statements(full, analyzed, work, is_full_refresh=False)


def statements(
    full: Compiled, analyzed: Analysis, work: Path, *, is_full_refresh: bool
) -> dict[str, list[str]]:
    """What each model sent, by its name; dbt's comment at the head of a statement names it."""
    existing = warehouse(EXPORTS["2026"], analyzed.tables(full))
    existing.views = frozenset(
        relation(node) for node in full.nodes("model") if node["config"]["materialized"] == "view"
    )
    sent = run_project(ROOT, work, existing, VARIABLES, is_full_refresh=is_full_refresh)
    by_model: dict[str, list[str]] = {}
    for statement in sent:
        named = re.match(r'\s*/\*.*?"node_id": "model\.[^.]+\.([^"]+)".*?\*/', statement, re.DOTALL)
        assert named, f"no model is named in: {statement[:200]}"
        by_model.setdefault(named[1], []).append(statement[named.end() :].strip())
    return by_model


def unresolved(sent: dict[str, list[str]], analyzed: Analysis) -> list[str]:
    problems = []
    for model, model_statements in sent.items():
        for statement in model_statements:
            try:
                analyze_script(analyzed.catalog, statement)
            except (SqlError, EngineTrapError) as error:
                problems.append(f"{model}: {error}\n{statement[:400]}")
    return problems


def test_every_statement_of_a_full_refresh_resolves(
    first_run: dict[str, list[str]], analyzed: Analysis
) -> None:
    assert not (problems := unresolved(first_run, analyzed)), "\n\n".join(problems)


def test_every_statement_of_a_later_run_resolves(
    later_run: dict[str, list[str]], analyzed: Analysis
) -> None:
    assert not (problems := unresolved(later_run, analyzed)), "\n\n".join(problems)


def test_every_model_is_built(full: Compiled, first_run: dict[str, list[str]]) -> None:
    models = {node["name"] for node in full.nodes("model") if relation(node)}
    assert models == set(first_run)


def test_an_incremental_model_changes_in_one_transaction(
    full: Compiled, later_run: dict[str, list[str]]
) -> None:
    incremental = [
        node["name"]
        for node in full.nodes("model")
        if node["config"]["materialized"] == "incremental"
    ]
    assert incremental
    for name in incremental:
        script = re.sub(r"\s+", " ", later_run[name][-1])
        # Nothing but the transaction touches the table, and the transaction is one job.
        assert re.search(r"begin transaction; delete from .*; commit transaction;", script), name
        before, _, inside = script.partition("begin transaction;")
        assert "insert into" not in before and "delete from" not in before, name
        assert inside.count("delete from") == 1 and inside.count("insert into") == 1, name


def test_a_day_without_rows_empties_nothing(later_run: dict[str, list[str]]) -> None:
    """Days are replaced by those among the new rows, so that a missing shard changes none."""
    script = re.sub(r"\s+", " ", later_run["base_ga4__events"][-1])
    assert "set replaced_dates = (select array_agg(distinct event_date) from" in script
    assert "where event_date in unnest(replaced_dates) and exists" in script
