"""Rung 5: the compiled project keeps the engine's rules that rungs 1 and 2 cannot see."""

from __future__ import annotations

import pytest

from . import passed
from .analysis import Analysis
from .compile_offline import Compiled
from .engine_rules import broken_rules


def test_the_first_run_keeps_the_rules(full: Compiled, analyzed: Analysis) -> None:
    _report(full, broken_rules(full, analyzed.columns))


def test_a_later_run_keeps_the_rules(incremental: Compiled, analyzed: Analysis) -> None:
    _report(incremental, broken_rules(incremental, analyzed.columns))


def _report(compiled: Compiled, problems: list[str]) -> None:
    models = [node["name"] for node in compiled.nodes("model")]
    failed = [name for name in models if any(f"/{name}.sql" in problem for problem in problems)]
    passed.record("5 rules", models, failed)
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
