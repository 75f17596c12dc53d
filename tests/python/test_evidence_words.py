"""No text of the evidence says that a micro-conversion brings anything about."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from causal_words import FORBIDDEN
from microconv.evidence import templates

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = [
    "aggregates",
    "cohorts",
    "correlate",
    "deciding",
    "evidence",
    "experiments",
    "lead_lag",
    "power",
    "proxy",
    "report",
    "score",
    "value",
    "watching",
]
PAGE_TEMPLATES = sorted((PROJECT / "scripts" / "microconv").rglob("*.j2"))
PAGES = [*sorted((PROJECT / "docs").glob("*.md"))]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string of a module but docstrings and the templates for experiments."""
    skipped: set[int] = set()
    for one in ast.walk(tree):
        if isinstance(one, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(one):
            skipped.add(id(one.body[0].value))  # type: ignore[attr-defined]
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant):
            skipped.add(id(one.value))
        if isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") == "CAUSAL":
            skipped |= {id(part) for part in ast.walk(one)}
    for one in ast.walk(tree):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in skipped:
            yield one.lineno, one.value


def test_no_template_below_causal_claims_an_effect() -> None:
    lists = {
        name: value
        for name, value in vars(templates).items()
        if name.isupper() and name != "CAUSAL"
    }
    assert {"HEADLINES", "VERDICTS", "REASONS", "VALUES", "CHECKS", "SCORES"} <= lists.keys()
    said = [
        text for one in lists.values() for text in (one.values() if isinstance(one, dict) else one)
    ]
    assert len(said) > 90
    assert [text for text in said if FORBIDDEN.search(text)] == []
    # The guard bites: the templates for experiments are kept apart because they do.
    assert any(FORBIDDEN.search(text) for text in templates.CAUSAL.values())


@pytest.mark.parametrize("package", PACKAGES)
def test_no_string_of_a_package_claims_an_effect(package: str) -> None:
    """Headings, help and file names too: a sentence outside the templates escapes nobody."""
    files = sorted((PROJECT / "scripts" / "microconv" / package).rglob("*.py"))
    assert files
    wrong = [
        f"{file.name}:{line}: {text}"
        for file in files
        for line, text in texts(ast.parse(file.read_text(encoding="utf-8")))
        # "causal" is the name of the verdict that only an experiment can give.
        if FORBIDDEN.search(text) and text != "causal"
    ]
    assert wrong == []


def test_no_template_of_a_page_claims_an_effect() -> None:
    assert [path.name for path in PAGE_TEMPLATES] == ["report.html.j2", "validation.html.j2"]
    lines = [
        line for path in PAGE_TEMPLATES for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert [line for line in lines if FORBIDDEN.search(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_no_page_claims_an_effect(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if FORBIDDEN.search(line)] == []
