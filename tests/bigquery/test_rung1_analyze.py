"""Rung 1: Google's analyzer resolves everything the project compiles to for BigQuery.

It is Google's own parser and resolver, from the open-source GoogleSQL. Accepted here means: names,
types, nested fields and function signatures are right for BigQuery. Planner limits and permissions
stay unproven.
"""

from __future__ import annotations

import pytest

from . import passed
from .analysis import Analysis, analyze_project
from .compile_offline import Compiled
from .engine import SqlError
from .export_schema import EXPORT_2020, EXPORT_2026
from .project import new_catalog
from .test_harness import planted


def test_the_first_run_resolves_on_the_export_of_2026(full: Compiled, analyzed: Analysis) -> None:
    _report("1 analysed", full, analyzed)


def test_the_first_run_resolves_on_the_export_of_2020(full_2020: Compiled) -> None:
    _report("1 on 2020", full_2020, analyze_project(full_2020, EXPORT_2020))


def test_a_later_run_resolves(full: Compiled, analyzed: Analysis, incremental: Compiled) -> None:
    later = analyze_project(incremental, EXPORT_2026, analyzed.tables(full))
    _report("1 later run", incremental, later)


def test_columns_do_not_depend_on_the_age_of_the_export(
    full: Compiled, full_2020: Compiled, analyzed: Analysis
) -> None:
    old = analyze_project(full_2020, EXPORT_2020).tables(full_2020)
    new = analyzed.tables(full)
    differing = {
        name: set(old[name]) ^ set(new[name])
        for name in old.keys() & new.keys()
        if set(old[name]) != set(new[name])
    }
    assert not differing


@pytest.mark.parametrize("year", ["2020", "2026"])
def test_intraday_tables_are_asked_only_for_columns_that_they_have(
    year: str, full: Compiled, full_2020: Compiled
) -> None:
    """Read by the wildcard of daily tables, the newest of which has more columns, they fail."""
    compiled, export = (full, EXPORT_2026) if year == "2026" else (full_2020, EXPORT_2020)
    mixed = planted(compiled, "base_ga4__events", "`events_2*`", "`events_intraday_*`")
    (base,) = [node for node in mixed.nodes("model") if node["name"] == "base_ga4__events"]
    with pytest.raises(SqlError, match="traffic_source"):
        new_catalog(mixed, export).analyze(base["compiled_code"])


def _report(rung: str, compiled: Compiled, analysis: Analysis) -> None:
    models = [node["name"] for node in compiled.nodes("model")]
    passed.record(rung, models, analysis.failed, analysis.waiting)
    if analysis.failures:
        pytest.fail("\n\n".join(analysis.problems()), pytrace=False)
