"""The marts as another day knew them: dbt compiles their own SELECT, so no SQL exists twice."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from microconv.aggregates.read import MARTS
from microconv.errors import FINDINGS, MicroconvError
from microconv.profile import find_profiles_dir, find_project_dir


def compiled_marts(as_of: date, project_dir: Path | None = None) -> dict[str, str]:
    """The SELECT of every mart of the evidence, with `evidence_as_of` at a day.

    Args:
        as_of: The last day whose events are known.
        project_dir: The folder of dbt_project.yml; None to look for it.

    Raises:
        MicroconvError: dbt cannot compile the project.
    """
    from dbt.cli.main import dbtRunner

    folder = project_dir or find_project_dir()
    with tempfile.TemporaryDirectory() as target:
        arguments = ["compile", "--select", *MARTS]
        arguments += ["--vars", json.dumps({"evidence_as_of": as_of.isoformat()})]
        arguments += [
            "--project-dir",
            str(folder),
            "--profiles-dir",
            str(find_profiles_dir(folder)),
        ]
        # A target folder of its own: the manifest of the build stays as it was built.
        arguments += ["--target-path", target, "--log-path", target, "--log-level-file", "none"]
        arguments += ["--quiet", "--no-partial-parse", "--no-populate-cache"]
        if named := os.environ.get("DBT_TARGET"):
            arguments += ["--target", named]
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            result = dbtRunner().invoke(arguments)
    compiled: Any = result.result
    if not result.success or not hasattr(compiled, "results"):
        raise MicroconvError(
            f"dbt could not compile the marts as of {as_of}.", "Try `dbt compile`.", FINDINGS
        ) from result.exception
    nodes = [one.node for one in compiled.results if one.node.name in MARTS]
    return whole({node.name: (node.relation_name, node.compiled_code) for node in nodes})


def whole(marts: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """SELECT statements that read no mart: what they read of another is its SELECT.

    Args:
        marts: Relation and SELECT by name.
    """
    found: dict[str, str] = {}

    def select_of(name: str) -> str:
        if name not in found:
            sql = marts[name][1]
            for other, (relation, _) in marts.items():
                if other != name and relation in sql:
                    sql = sql.replace(relation, f"({select_of(other)}) as {other}")
            found[name] = sql
        return found[name]

    return {name: select_of(name) for name in marts}
