"""The same export, built by dbt on DuckDB and by the real dbt-bigquery adapter on the emulator."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bigquery.compare import differences, key_of
from bigquery.compile_offline import Compiled, bigquery_output, build_on_duckdb, write_profile
from bigquery.conftest import ROOT, VARIABLES
from bigquery.dbt_process import DbtError, run_dbt
from bigquery.execute import read_duckdb
from bigquery.googlesql import Column, Result

from .deliveries import Deliveries, Step
from .server import client

# What a row was made of and when, physically: two warehouses cannot agree on it. BigQuery says of
# every shard what the newest one lacks, DuckDB says it of each file.
PHYSICAL = {"source_version", "loaded_at", "definitions_version"}
PER_FILE = {"missing_column_count", "missing_columns"}
WITHOUT_TESTS = ("--exclude-resource-type", "test", "unit_test")
BUILD_SECONDS = 1800  # The last step runs hundreds of data tests too, and the machine may be busy.


@dataclass
class Outcome:
    """What a step showed: problems by model ('' is the run as a whole), and models not built."""

    problems: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def add(self, model: str, *messages: str) -> None:
        self.problems.setdefault(model, []).extend(messages)


@dataclass
class TwoWarehouses:
    """A DuckDB file and an emulator at `address`, kept alike by the same deliveries."""

    root: Path
    address: str

    def __post_init__(self) -> None:
        self.client = client(self.address)
        self.deliveries = Deliveries(self.root, self.client)
        write_profile(ROOT, self.work, bigquery_output(self.address))

    @property
    def work(self) -> Path:
        """Folder of dbt's artifacts for the emulator."""
        return self.root / "on_emulator"

    def take(self, step: Step, *, is_tested: bool) -> Outcome:
        """Deliver, build both warehouses at once, compare every table."""
        self.deliveries.deliver(step)
        with ThreadPoolExecutor(max_workers=1) as beside:
            duckdb = beside.submit(self._build_on_duckdb)
            outcome = self._build_on_emulator(() if is_tested else WITHOUT_TESTS)
            self._compare(outcome, duckdb.result())
        return outcome

    def document(self) -> dict[str, Any]:
        """Columns that `dbt docs generate` finds in the warehouse, by unique id."""
        self._dbt("docs", "generate")
        nodes = json.loads((self.work / "target" / "catalog.json").read_text())["nodes"]
        return {key: node["columns"] for key, node in nodes.items()}

    @cached_property
    def manifest(self) -> Compiled:
        """dbt's manifest, with nodes as of the first run."""
        return Compiled(json.loads((self.work / "target" / "manifest.json").read_text()), ())

    def statements(self) -> list[str]:
        """Every statement that dbt sent, in order."""
        jobs = sorted(self.client.list_jobs(max_results=100_000), key=lambda job: job.created)
        queries = [job.query for job in jobs if job.job_type == "query"]
        return [query for query in queries if query.startswith("/*")]  # dbt says who it is

    def _dbt(self, *arguments: str) -> None:
        run_dbt(
            ROOT,
            self.work,
            *arguments,
            target="bigquery",
            variables=VARIABLES,
            timeout=BUILD_SECONDS,
        )

    def _build_on_duckdb(self) -> dict[str, Result]:
        work = self.root / "on_duckdb"
        build_on_duckdb(ROOT, work, self.deliveries.pattern, VARIABLES)
        return read_duckdb(work)

    def _build_on_emulator(self, arguments: tuple[str, ...]) -> Outcome:
        outcome = Outcome()
        results = self.work / "target" / "run_results.json"
        with suppress(FileNotFoundError):
            results.unlink()
        try:
            self._dbt("build", *arguments)
        except DbtError as error:
            if not results.exists():
                raise
            outcome = failures(json.loads(results.read_text())["results"], self.manifest)
            if not outcome.problems:
                outcome.add("", str(error))
        return outcome

    def _compare(self, outcome: Outcome, duckdb: dict[str, Result]) -> None:
        for node in self.manifest.nodes("seed", "model"):
            name = node["name"]
            if not node["relation_name"] or name in outcome.problems or name in outcome.skipped:
                continue
            ours = duckdb[node["unique_id"]]
            theirs = self._rows(node["relation_name"])
            key = key_of(self.manifest, node, theirs)
            ignored = PHYSICAL | PER_FILE
            key = [column for column in key if column not in ignored]
            if found := differences(name, key, ours, theirs, ignored):
                outcome.add(name, *found)

    def _rows(self, table: str) -> Result:
        found = self.client.query(f"select * from {table}").result()
        columns = [
            Column(one.name, "FLOAT64" if one.field_type == "FLOAT" else one.field_type)
            for one in found.schema
        ]
        return Result(columns, [dict(row.items()) for row in found])


def failures(results: list[dict[str, Any]], manifest: Compiled) -> Outcome:
    """What went wrong in a run of dbt, a failed test beside the model that it is attached to."""
    outcome = Outcome()
    nodes = manifest.manifest["nodes"]
    for result in results:
        node = nodes.get(result["unique_id"])
        if node is None:  # an exposure
            continue
        tested = nodes.get(node.get("attached_node") or "", node)
        if result["status"] in ("error", "fail", "runtime error"):
            outcome.add(tested["name"], f"{node['name']}: {result['message']}")
        elif result["status"] == "skipped" and node["resource_type"] == "model":
            outcome.skipped.append(node["name"])
    return outcome
