"""An upgrade never mixes rows of two versions: history is derived anew, or a refresh asked for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from project_run import Warehouse, parsed_manifest, shared_warehouse
from small_export import SmallExport

PINNED = Path(__file__).with_name("versions.json")
KEPT = ("+int_event_names_counted", "+int_session_days")
# Vars in the SQL of facts that say which days are read, or (the half-life) what no kept row has.
NO_DEFINITIONS = {
    "late_arrival_days",
    "reread_start_date",
    "reread_end_date",
    "default_half_life_days",
}
READING = ("base_ga4__events", "stg_ga4__export_days")


def sql_of(node: Any, macros: Any) -> set[str]:
    """The SQL of a model and of every macro of the project that it calls, without comments."""
    found, waiting, seen = {node.raw_code}, list(node.depends_on.macros), set()
    while waiting:
        name = waiting.pop()
        if name in seen or not name.startswith("macro.micro_conversions."):
            continue
        seen.add(name)
        found.add(macros[name].macro_sql)
        waiting += macros[name].depends_on.macros
    return {re.sub(r"\{#.*?#\}|--[^\n]*|\s+", " ", sql, flags=re.DOTALL) for sql in found}


def facts() -> list[Any]:
    """The incremental models behind the staged events, and what they read that is built anew."""
    models = {
        n.unique_id: n for n in parsed_manifest().nodes.values() if n.resource_type == "model"
    }
    found: dict[str, Any] = {}
    waiting = [one for one in models.values() if one.config.materialized == "incremental"]
    while waiting:
        node = waiting.pop()
        if node.name in READING or node.name in found:
            continue
        found[node.name] = node
        waiting += [models[one] for one in node.depends_on.nodes if one in models]
    return list(found.values())


def fingerprints() -> dict[str, str]:
    """What the SQL of staged rows, and that of the facts made from them, hashes to."""
    manifest = parsed_manifest()
    models = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    groups = {
        "staging": [one for one in models if one.name in READING],
        "facts": facts(),
    }
    return {
        group: hashlib.md5(
            "\n".join(
                sorted(set().union(*(sql_of(one, manifest.macros) for one in nodes)))
            ).encode()
        ).hexdigest()
        for group, nodes in groups.items()
    }


def versions() -> dict[str, str]:
    """The numbers that make an upgrade read or derive history again."""
    found = {}
    for group, macro in {"staging": "staging_version", "facts": "project_version"}.items():
        sql = parsed_manifest().macros[f"macro.micro_conversions.{macro}"].macro_sql
        [found[group]] = re.findall(r'return\("(\d+)"\)', sql)
    return found


def test_a_change_of_kept_rows_raises_a_version() -> None:
    now, numbers = fingerprints(), versions()
    found = {group: {"version": numbers[group], "sql": now[group]} for group in now}
    if os.environ.get("WRITE_VERSIONS"):
        PINNED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    macros = {"staging": "staging_version", "facts": "project_version"}
    for group, macro in macros.items():
        assert found[group] == pinned[group], (
            f"The SQL of {group} changed. If rows that a warehouse already holds would now be "
            f"other ones, raise {macro}() in macros/. Then WRITE_VERSIONS=1 "
            f"pytest {Path(__file__).name}"
        )


def test_every_var_that_facts_depend_on_derives_history_anew() -> None:
    """It is among the definitions, or says no more than which days a run looks at."""
    macros = parsed_manifest().macros
    [scalars, reading] = (
        macros[f"macro.micro_conversions.{name}"].macro_sql
        for name in ("definition_scalars", "reading_version")
    )
    known = set(re.findall(r'var\("(\w+)"\)', scalars + reading)) | NO_DEFINITIONS
    for node in facts():
        used = set(re.findall(r'var\("(\w+)"', " ".join(sql_of(node, macros))))
        assert used <= known, (
            f"{node.name} depends on {sorted(used - known)}: whoever changes it would keep rows of "
            f"the old value. Name it in definition_scalars() of macros/definitions_version.sql, or "
            f"in NO_DEFINITIONS here if it changes no kept row."
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    def build(new: Warehouse) -> None:
        SmallExport(seed=3, day_count=2, visitor_count=6).write(new.export)
        new.build("--select", "resource_type:seed", *KEPT)
        duckdb.connect(str(new.path)).close()  # so that the file alone can be copied

    return shared_warehouse(tmp_path_factory, "versions", build)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "alter table base_ga4__events drop column hostname",
            "base_ga4__events lacks hostname",
        ),
        (
            "alter table int_session_days add column hit_rate double",
            "int_session_days still has hit_rate",
        ),
    ],
)
def test_tables_of_another_version_are_refused_until_a_full_refresh(
    built: Warehouse, tmp_path: Path, change: str, said: str
) -> None:
    older = Warehouse(tmp_path, pattern=built.environment["GA4_EXPORT_FILES"])
    shutil.copy(built.path, older.path)
    with duckdb.connect(str(older.path)) as connection:
        connection.execute(change)
    before = older.rows("select * from base_ga4__events order by all limit 50")
    models = ("--select", *KEPT)
    refused = older.dbt("run", *models)
    assert refused.exit_code != 0
    assert said in refused.output and "--full-refresh" in refused.output
    assert "No table was changed." in refused.output
    assert older.rows("select * from base_ga4__events order by all limit 50") == before
    older.dbt("run", *models, "--full-refresh").must_succeed()
    older.dbt("run", *models).must_succeed()
