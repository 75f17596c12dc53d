"""The marts as another day knew them: dbt compiles their own SELECT, so no SQL exists twice."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
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
    return {
        one.node.name: str(one.node.compiled_code)
        for one in compiled.results
        if one.node.name in MARTS
    }
