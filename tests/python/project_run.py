"""Runs the dbt project for tests: each build in a fork of a process that has dbt loaded and parsed.

Importing dbt and parsing the project takes seconds; a fork inherits both, so that a build of a
small export costs little more than its queries. The child is a process of its own, so that DuckDB
files are closed, and a test may kill it, exactly as with the command.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import shutil
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

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
    variables: dict[str, Any] = field(default_factory=dict)
    pattern: str | None = None

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
    return _MANIFEST[0]


def _invoke(warehouse: Warehouse, manifest: Any, arguments: Sequence[str], log: Path) -> None:
    """Body of the child: one dbt command, its exit code as the process's own."""
    import yaml

    os.environ.update(warehouse.environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    # A fork inherits the parent's sys.stdout, which pytest may have replaced by a buffer.
    import sys

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
            "--no-use-colors",
            "--no-partial-parse",
        ]
        # A manifest holds the values of vars, so that other vars need a parse of their own.
        if warehouse.variables:
            options += ["--vars", yaml.safe_dump(warehouse.variables)]
        runner = dbtRunner(manifest=None if warehouse.variables else manifest)
        result = runner.invoke([*arguments, *options])
        exit_code = 0 if result.success else (1 if result.exception is None else 2)
        if result.exception is not None:
            print(result.exception)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
