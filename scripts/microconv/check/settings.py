"""Checks vars of dbt_project.yml that a build would quietly make nothing of."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from microconv.check.problems import Problem, allowed_words, quoted
from microconv.validate.contract import RULES, SEVERITIES, VARIABLE

FILE = "dbt_project.yml"
MOST_WEEKS = 52
"""A visitor's weeks are bits of one number."""


def setting_problems(variables: Mapping[str, Any], micros: Collection[str]) -> list[Problem]:
    """What is wrong with the vars of cohorts, daily rates and the export's contract.

    Args:
        variables: The vars of dbt_project.yml.
        micros: Names of the catalog's micro-conversions.
    """
    return [
        *_weeks(variables),
        *_activations(variables, micros),
        *_holidays(variables),
        *contract_problems(variables),
    ]


def contract_problems(variables: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with limits that a project sets for its export."""
    changed = variables.get(VARIABLE) or {}
    if not isinstance(changed, dict):
        yield _problem(VARIABLE, changed, "is no mapping", "Write {session_ids: {warning: 0.1}}.")
        return
    names = [rule.name for rule in RULES]
    for name, limits in changed.items():
        if name not in names:
            yield _problem(VARIABLE, name, "is no rule", allowed_words(str(name), names))
        elif not isinstance(limits, dict) or not limits or set(limits) - set(SEVERITIES):
            remedy = f"Write limits for {' or '.join(SEVERITIES)}, such as {{warning: 0.1}}."
            yield _problem(VARIABLE, f"{name}: {limits}", "says no limits", remedy)
        else:
            for limit in limits.values():
                if limit is not None and (isinstance(limit, bool) or not _is_limit(limit)):
                    remedy = "Write a number from 0, or null for no limit."
                    yield _problem(VARIABLE, f"{name}: {limit}", "is no limit", remedy)


def _is_limit(limit: Any) -> bool:
    return isinstance(limit, int | float) and math.isfinite(limit) and limit >= 0


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
