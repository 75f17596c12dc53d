"""Python and the packages it runs with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

from microconv.doctor.findings import Finding

DISTRIBUTION = "micro-conversions"
# Those that decide what SQL is sent and how numbers come out; the others follow from the lock.
SHOWN = ("dbt-core", "dbt-duckdb", "dbt-bigquery", "duckdb", "numpy", "scipy", "great-expectations")


def versions() -> dict[str, str | None]:
    """Versions of the packages that matter; None for one that is not installed."""
    return {name: _version(name) for name in SHOWN}


def own_version() -> str:
    """The project's own version; as written in its metadata when it was installed."""
    return _version(DISTRIBUTION) or "unknown"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def python_finding() -> Iterator[Finding]:
    """Whether this Python is one that the project supports."""
    from packaging.specifiers import SpecifierSet

    found = ".".join(str(part) for part in sys.version_info[:3])
    wanted = metadata.metadata(DISTRIBUTION)["Requires-Python"]
    if SpecifierSet(wanted).contains(found):
        yield Finding("Python", "ok", f"{found}, {sys.executable}.")
    else:
        yield Finding(
            "Python",
            "fail",
            f"{found} is not {wanted}.",
            "Remove .venv and run `make setup PYTHON=python3.11`.",
        )


def package_findings() -> Iterator[Finding]:
    """Whether the packages are the ones that were pinned."""
    wrong = list(_wrong_packages())
    listed = ", ".join(f"{name} {version}" for name, version in versions().items() if version)
    if wrong:
        yield Finding("Packages", "fail", f"{'; '.join(wrong)}.", "Run `make setup`.")
    else:
        yield Finding("Packages", "ok", f"microconv {own_version()}, {listed}.")
    if _version("great-expectations") is None:
        yield Finding(
            "Validation",
            "warn",
            "Great Expectations is not installed, so that `microconv validate` cannot run.",
            "Run `make setup-validate`.",
        )


def _wrong_packages() -> Iterator[str]:
    from packaging.requirements import Requirement

    for line in metadata.requires(DISTRIBUTION) or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        found = _version(wanted.name)
        if found is None:
            yield f"{wanted.name} is not installed"
        elif not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted.name} is {found}, pinned is {wanted.specifier}"
