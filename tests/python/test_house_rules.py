"""The rules of CONTRIBUTING.md that a machine can check, over manifest and a built warehouse."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from microconv.demo import generate_demo
from project_run import PROJECT, Warehouse, parsed_manifest, shared_warehouse

PREFIXES = {
    "staging": ("stg_", "base_"),
    "intermediate": ("int_",),
    "core": ("dim_", "fct_"),
    "marts": ("mart_",),
    "bi": ("bi_",),
}
KEY_TESTS = {"unique", "unique_combination"}


def models() -> list[Any]:
    nodes = parsed_manifest().nodes.values()
    return sorted(
        (node for node in nodes if node.resource_type == "model"), key=lambda node: node.name
    )


def parents(node: Any) -> list[str]:
    return [name for name in node.depends_on.nodes if not name.startswith("macro.")]


def layer(node: Any) -> str:
    return str(node.fqn[1])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The project as it is shipped, with descriptions in the database, and its documentation."""

    def build(new: Warehouse) -> None:
        new.is_as_shipped = True
        generate_demo(new.export, days=3, visitors_per_day=15, seed=7, until=date(2026, 10, 31))
        new.build()
        new.dbt("docs", "generate").must_succeed()

    return shared_warehouse(tmp_path_factory, "house_rules", build)


def test_folder_and_prefix_agree() -> None:
    wrong = [node.name for node in models() if not node.name.startswith(PREFIXES[layer(node)])]
    assert not wrong, f"these models' prefixes do not fit their folders {PREFIXES}: {wrong}"


def test_every_model_has_a_yml_of_its_own_name() -> None:
    missing = [
        node.original_file_path
        for node in models()
        if not (PROJECT / node.original_file_path).with_suffix(".yml").exists()
    ]
    assert not missing, f"no .yml beside {missing}"


def test_every_description_says_what_one_row_is() -> None:
    wrong = [node.name for node in models() if not node.description.startswith("One row per")]
    assert not wrong, f"descriptions that do not begin 'One row per': {wrong}"


def test_every_model_has_a_tested_key() -> None:
    tested = {
        parent
        for node in parsed_manifest().nodes.values()
        if node.resource_type == "test"
        and getattr(node, "test_metadata", None) is not None
        and node.test_metadata.name in KEY_TESTS
        for parent in parents(node)
    }
    missing = [node.name for node in models() if node.unique_id not in tested]
    assert not missing, f"no unique or unique_combination test on {missing}"


def test_what_others_read_has_an_enforced_contract() -> None:
    """A changed name or type stops the build; `fail` because a table may hold older columns."""
    wrong = [
        node.name
        for node in models()
        if layer(node) in ("core", "marts", "bi")
        and not (
            node.config.contract.enforced
            and all(column.data_type for column in node.columns.values())
            and (
                node.config.materialized != "incremental" or node.config.on_schema_change == "fail"
            )
        )
    ]
    assert not wrong, f"no enforced contract with the types of all columns: {wrong}"


def test_what_others_may_build_on_is_public() -> None:
    wrong = [
        node.name
        for node in models()
        if node.group != "micro_conversions"
        or (node.access == "public") != (layer(node) != "intermediate")
    ]
    assert not wrong, f"no group, or an access that does not fit the layer: {wrong}"


def test_exactly_one_model_reads_the_raw_export() -> None:
    readers = [
        node.name for node in models() if any(name.startswith("source.") for name in parents(node))
    ]
    assert readers == ["base_ga4__events"]


def test_marts_never_read_staging() -> None:
    wrong = [
        (node.name, parent)
        for node in models()
        if layer(node) == "marts"
        for parent in parents(node)
        if ".stg_" in parent or ".base_" in parent
    ]
    assert not wrong, f"marts that read staging: {wrong}"


def test_no_model_or_test_branches_on_the_warehouse() -> None:
    files = [*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "tests").rglob("*.sql")]
    files += list((PROJECT / "analyses").rglob("*.sql"))
    wrong = [str(path) for path in files if re.search(r"\btarget\.(type|name)", path.read_text())]
    assert not wrong, f"warehouse differences belong into macros/cross_db: {wrong}"


@pytest.mark.parametrize("node", models(), ids=lambda node: str(node.name))
def test_a_model_ends_in_the_cte_of_its_name(node: Any) -> None:
    lines = (PROJECT / node.original_file_path).read_text().rstrip().splitlines()
    assert lines[-1] == f"select * from {node.name}", f"{node.original_file_path} ends: {lines[-1]}"
    ctes = re.findall(
        r"^(?:with )?(\w+) as (?:\{\{ not_materialized\(\) \}\} )?\($", "\n".join(lines), re.M
    )
    assert ctes and ctes[-1] == node.name, f"the last CTE of {node.name} is {ctes[-1:]}"


def test_every_column_is_described_and_exists(warehouse: Warehouse) -> None:
    built: dict[str, set[str]] = {}
    for table, column in warehouse.rows(
        "select table_name, column_name from information_schema.columns where table_schema = 'main'"
    ):
        built.setdefault(table, set()).add(column)
    problems = []
    for node in models():
        described = {name for name, column in node.columns.items() if column.description}
        columns = built[node.name]
        if columns != described:
            problems.append(
                f"{node.name}: not described {sorted(columns - described)}, "
                f"described but not there {sorted(described - columns)}"
            )
    assert not problems, "\n".join(problems)


def test_everything_in_bi_is_read_by_dashboards() -> None:
    exposures = parsed_manifest().exposures.values()
    [dashboards] = [one for one in exposures if one.name == "dashboards"]
    pages = {node.unique_id for node in models() if layer(node) == "bi"}
    assert {*parents(dashboards)} == pages


def test_dbt_docs_are_generated(warehouse: Warehouse) -> None:
    catalog = warehouse.root / "target" / "catalog.json"
    assert catalog.exists() and "mart_funnel_steps" in catalog.read_text()


def test_descriptions_are_kept_in_the_database(warehouse: Warehouse) -> None:
    kept = warehouse.rows(
        """
        select table_name, comment from duckdb_tables()
        union all
        select view_name, comment from duckdb_views() where not internal
        """
    )
    without = {node.name for node in models()} - {name for name, comment in kept if comment}
    assert not without, f"no description in the database on {sorted(without)}"


def tracked_files() -> list[str]:
    import subprocess

    listing = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return listing.stdout.split()


def test_no_file_names_a_place_of_one_machine() -> None:
    """Nothing may need a folder or a registry that only the machine of its writer has."""
    pattern = re.compile(r"/(?:work|root|farm)/|\.\./shared")
    wrong = []
    for name in tracked_files():
        path = Path(PROJECT / name)
        if path == Path(__file__) or not path.exists():
            continue
        if pattern.search(path.read_text(encoding="utf-8", errors="ignore")):
            wrong.append(name)
    assert not wrong, f"paths of one machine in {wrong}"


def test_locks_are_installed_as_they_are() -> None:
    """Resolved again, a lock may fail for a release of tomorrow, which it has no hash of."""
    wrong = []
    for name in tracked_files():
        path = Path(PROJECT / name)
        if path == Path(__file__) or not path.exists():
            continue
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
            if re.search(r"--require-hashes\b(?!.*--no-deps)", line):
                wrong.append(f"{name}: {line.strip()}")
    assert not wrong, f"add --no-deps to {wrong}"


@pytest.mark.parametrize("lock", sorted((PROJECT / "requirements").glob("*.txt")))
def test_a_lock_has_one_version_and_hashes_of_each_package(lock: Path) -> None:
    """What is installed without looking at dependencies must be pinned, and only once."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    pins: dict[tuple[str, str], str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        found = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?==(\S+)( ; .*?)?((?:\s+--hash=\S+)+)", line)
        assert found, f"{lock.name}: no version or no hash in {line[:80]!r}"
        key = (found[1].lower(), (found[3] or "").strip())
        assert key not in pins, f"{lock.name}: {found[1]} comes twice"
        pins[key] = found[2]
    assert pins, f"{lock.name} names no package"
