"""Checks vars of dbt_project.yml that a build would quietly make nothing of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from microconv.check.problems import Problem, allowed_words, quoted

FILE = "dbt_project.yml"
MOST_WEEKS = 52
"""A visitor's weeks are bits of one number."""


def setting_problems(variables: Mapping[str, Any], micros: Collection[str]) -> list[Problem]:
    """What is wrong with the vars of cohorts and daily rates.

    Args:
        variables: The vars of dbt_project.yml.
        micros: Names of the catalog's micro-conversions.
    """
    return [*_weeks(variables), *_activations(variables, micros), *_holidays(variables)]


def _weeks(variables: Mapping[str, Any]) -> Iterator[Problem]:
    weeks = variables.get("cohort_weeks", 1)
    if not isinstance(weeks, int) or isinstance(weeks, bool) or not 1 <= weeks <= MOST_WEEKS:
        yield _problem(
            "cohort_weeks", weeks, "is no number of weeks", f"Allowed: 1 to {MOST_WEEKS}."
        )


def _activations(variables: Mapping[str, Any], micros: Collection[str]) -> Iterator[Problem]:
    for name in _listed(variables, "activation_conversions"):
        if name not in micros:
            remedy = allowed_words(str(name), sorted(micros))
            yield _problem(
                "activation_conversions", name, "is no micro-conversion of the catalog", remedy
            )


def _holidays(variables: Mapping[str, Any]) -> Iterator[Problem]:
    for day in _listed(variables, "holidays"):
        try:
            date.fromisoformat(str(day))
        except ValueError:
            yield _problem("holidays", day, "is no date", "Write it as YYYY-MM-DD.")


def _listed(variables: Mapping[str, Any], name: str) -> list[Any]:
    """The items of a list; whatever else was written is one wrong item."""
    value = variables.get(name) or []
    return value if isinstance(value, list) else [value]


def _problem(name: str, value: Any, message: str, remedy: str) -> Problem:
    return Problem(FILE, f"{quoted(str(value))} {message}.", remedy, None, name, str(value))
