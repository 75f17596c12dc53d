"""Runs the dbt project for tests: each build in a fork of a process that has dbt loaded and parsed.

Importing dbt and parsing the project takes seconds; a fork inherits both, so that a build of a
small export costs little more than its queries. The child is a process of its own, so that DuckDB
files are closed, and a test may kill it, exactly as with the command.

Workers of one test run share what `shared_warehouse` builds, so that tests of a module may run in
any of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import multiprocessing
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[2]
_FORK = multiprocessing.get_context("fork")
_MANIFEST: list[Any] = []


@dataclass(frozen=True)
class Outcome:
    """What a dbt command did: exit code (0 success, 1 failed nodes, 2 could not run) and output."""

    exit_code: int
    output: str

    def must_succeed(self) -> Outcome:
        assert self.exit_code == 0, (
            f"dbt failed with exit code {self.exit_code}:\n{self.output[-6000:]}"
        )
        return self


@dataclass
class Warehouse:
    """A DuckDB file and the export files it is built from.

    `root` holds `export/`, `micro_conversions.duckdb`, `target/` and `profiles/`, all its own.
    """

    root: Path
    pattern: str | None = None
    # Otherwise a build puts no descriptions into the database and writes no artifacts: together a
    # quarter of a small build, and no row depends on them.
    is_as_shipped: bool = False
    # A folder of other lists than the project's, such as a starter's.
    seeds: Path | None = None

    def __post_init__(self) -> None:
        self.export.mkdir(parents=True, exist_ok=True)
        (self.root / "profiles").mkdir(exist_ok=True)
        shutil.copy(PROJECT / "profiles.example.yml", self.root / "profiles" / "profiles.yml")

    @property
    def export(self) -> Path:
        return self.root / "export"

    @property
    def path(self) -> Path:
        return self.root / "micro_conversions.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DUCKDB_PATH": str(self.path),
            "GA4_EXPORT_FILES": self.pattern or str(self.export / "events_*.parquet"),
        }

    def dbt(self, *arguments: str) -> Outcome:
        """Runs one dbt command, such as `build --full-refresh`, and waits for it."""
        process, log = self.start(*arguments)
        process.join()
        return Outcome(
            process.exitcode if process.exitcode is not None else -1,
            log.read_text(errors="replace"),
        )

    def start(self, *arguments: str) -> tuple[Any, Path]:
        """Starts a dbt command without waiting; returns the process and the file of its output."""
        manifest = parsed_manifest()
        log = self.root / "dbt.log"
        process = _FORK.Process(target=_invoke, args=(self, manifest, list(arguments), log))
        process.start()
        return process, log

    def build(self, *arguments: str) -> Outcome:
        """Builds seeds and models (no data tests), which must succeed."""
        return self.dbt(
            "build", "--exclude-resource-type", "test", "unit_test", *arguments
        ).must_succeed()

    @contextlib.contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = duckdb.connect(str(self.path), read_only=True)
        connection.execute("set TimeZone = 'UTC'")
        try:
            yield connection
        finally:
            connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self.connection() as connection:
            return connection.execute(query).fetchall()

    def records(self, query: str) -> list[dict[str, Any]]:
        """All rows of a query as dictionaries."""
        with self.connection() as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def value(self, query: str) -> Any:
        """The single value of a query."""
        (row,) = self.rows(query)
        return row[0]


def shared_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]
) -> Path:
    """A folder that is filled once a test run, by the worker that asks first; others wait for it.

    It is for reading only: whoever wants to change what is in it takes a copy.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # the run's folder, which holds those of its workers
    folder = base / f"shared_{name}"
    with (base / f"shared_{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        filled = folder / "filled"
        if not filled.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a failed attempt left
            folder.mkdir()
            fill(folder)
            filled.touch()
    return folder


def shared_warehouse(
    tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Warehouse], None]
) -> Warehouse:
    """A warehouse in a shared folder: `build` writes its export and builds it, once a test run."""
    return Warehouse(shared_folder(tmp_path_factory, name, lambda root: build(Warehouse(root))))


def parsed_manifest() -> Any:
    """The project's manifest, parsed once a test process."""
    if not _MANIFEST:
        from dbt.cli.main import dbtRunner

        scratch = PROJECT / "target" / f"test_parse_{os.getpid()}"
        profiles = scratch / "profiles"
        profiles.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / "profiles.example.yml", profiles / "profiles.yml")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            result = dbtRunner().invoke(
                [
                    "parse",
                    "--project-dir",
                    str(PROJECT),
                    "--profiles-dir",
                    str(profiles),
                    "--target-path",
                    str(scratch / "target"),
                    "--log-path",
                    str(scratch / "logs"),
                    "--no-use-colors",
                ]
            )
        assert result.success, f"dbt parse failed: {result.exception}\n{output.getvalue()}"
        _MANIFEST.append(result.result)
        shutil.rmtree(scratch, ignore_errors=True)
        gc.collect()
        gc.freeze()  # the manifest stays, so no collection need look at it again
    return _MANIFEST[0]


def _invoke(warehouse: Warehouse, manifest: Any, arguments: Sequence[str], log: Path) -> None:
    """Body of the child: one dbt command, its exit code as the process's own."""
    gc.disable()  # a build is over before garbage matters
    os.environ.update(warehouse.environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # A fork inherits the parent's sys.stdout, which pytest may have replaced by a buffer.
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    os.chdir(PROJECT)
    exit_code = 2
    try:
        from dbt.cli.main import dbtRunner

        options = [
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(warehouse.root / "profiles"),
            "--target-path",
            str(warehouse.root / "target"),
            "--log-path",
            str(warehouse.root / "logs"),
            "--log-level-file",
            "none",
            "--no-use-colors",
            "--no-partial-parse",
        ]
        if not warehouse.is_as_shipped:
            options.append("--no-write-json")
            for node in manifest.nodes.values():  # of this fork's copy of the manifest
                node.config.persist_docs = {}
        if warehouse.seeds is not None:
            for node in manifest.nodes.values():
                if node.resource_type == "seed":
                    node.original_file_path = str(warehouse.seeds / f"{node.name}.csv")
        result = dbtRunner(manifest=manifest).invoke([*arguments, *options])
        exit_code = 0 if result.success else (1 if result.exception is None else 2)
        if result.exception is not None:
            print(result.exception)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
