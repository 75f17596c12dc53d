"""dbt in processes of their own, without paying 12 s of imports each time.

A fork server imports dbt once; every run is a fresh fork of it, so that no run sees what another
left behind (adapters, caches, environment). Nothing heavy is imported here: each fork imports it.
"""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.context
import os
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

_PRELOADED = ["dbt.cli.main", "dbt.adapters.bigquery.impl", "dbt.adapters.duckdb.impl"]


class DbtError(Exception):
    """dbt ended with an error; the message is the end of its log."""


def start_early() -> None:
    """Start the fork server, which imports dbt beside whatever the caller does next."""
    _context()
    forkserver.ensure_running()


def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def run_dbt(
    project: Path,
    work: Path,
    *arguments: str,
    target: str,
    variables: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    timeout: int = 600,
) -> None:
    """Run dbt with the profile, log and artifacts in the folder `work`, for `timeout` seconds."""
    command = [
        *arguments,
        *("--project-dir", str(project), "--profiles-dir", str(work), "--target", target),
        *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
        *("--vars", json.dumps(variables or {})),
        *("--log-level", "none", "--log-level-file", "info", "--no-version-check"),
    ]
    process = _context().Process(target=_run, args=(project, work, command, environment or {}))
    process.start()
    process.join(timeout=timeout)
    if process.is_alive():
        process.kill()
    if process.exitcode != 0:
        logs = [
            path.read_text()
            for path in (work / "logs" / "dbt.log", work / "error.txt")
            if path.exists()
        ]
        raise DbtError("\n".join([f"dbt {arguments[0]} failed", *logs])[-6000:])


def _run(project: Path, work: Path, command: list[str], environment: dict[str, str]) -> None:
    from dbt.cli.main import dbtRunner  # only in the fork, where it is there already

    os.environ.update(environment | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
    os.environ["NO_PROXY"] = "127.0.0.1"
    os.chdir(project)
    result = dbtRunner().invoke(command)
    if result.exception:
        (work / "error.txt").write_text(str(result.exception), encoding="utf-8")
    raise SystemExit(0 if result.success else 1)
