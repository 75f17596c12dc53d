"""One run of `validate`: read, measure, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from microconv.check.project import project_variables
from microconv.check.schema import SEEDS
from microconv.check.table import read_table
from microconv.errors import MicroconvError
from microconv.profile import find_seeds_dir
from microconv.validate.contract import FRESHNESS, VARIABLE, contract
from microconv.validate.expect import Judged, check_installed, judge
from microconv.validate.measures import Measures, measure
from microconv.validate.read import Profile, read_profile

# Used where dbt_project.yml says nothing.
_LATE_DAYS, _MINIMUM = 3, 30
_ANY_EVENT = "*"


@dataclass(frozen=True)
class Outcome:
    """What was counted, measured and judged.

    Args:
        is_broken: Whether a build should not go on.
        minimum: The base under which nothing is said of a share.
    """

    profile: Profile
    measures: Measures
    judged: Sequence[Judged]
    is_broken: bool
    minimum: int


def run(
    project_dir: Path,
    export: str | None,
    days: int | None,
    expected_date: date | None,
    is_strict: bool,
) -> Outcome:
    """Judge the newest days of the export.

    Args:
        project_dir: The folder of dbt_project.yml.
        export: Glob of export files; None for what a build would read.
        days: How many dates; None for those that every build reads again and the new one.
        expected_date: The date that the newest day should have; None not to ask.
        is_strict: Whether a warning breaks the contract too.

    Raises:
        MicroconvError: No export, a wrong configuration, or Great Expectations is missing.
    """
    check_installed()
    variables = project_variables(project_dir)
    rules = [
        rule
        for rule in contract(_changed(variables))
        if expected_date is not None or rule.name != FRESHNESS
    ]
    minimum = int(variables.get("minimum_group_size", _MINIMUM))
    count = days or int(variables.get("late_arrival_days", _LATE_DAYS)) + 1
    profile = read_profile(project_dir, export, count)
    measures = measure(profile, _catalogued(project_dir), expected_date)
    judged = judge(measures, rules, minimum)
    broken = {"critical", "warning"} if is_strict else {"critical"}
    return Outcome(profile, measures, judged, any(one.verdict in broken for one in judged), minimum)


def _changed(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    from microconv.check.settings import contract_problems

    for problem in contract_problems(variables):
        raise MicroconvError(
            f"{problem.file}, {problem.place()}: {problem.message}", problem.remedy
        )
    return variables.get(VARIABLE) or {}


def _catalogued(project_dir: Path) -> dict[str, set[str]]:
    """Event names that the rules of each conversion name; a rule for any event names none."""
    columns = [one.name for one in SEEDS["conversion_rules"]]
    found: dict[str, set[str]] = {}
    for row in read_table(find_seeds_dir(project_dir), "conversion_rules", columns).rows:
        found.setdefault(row.get("conversion_name"), set()).add(row.get("event_name"))
    return {name: names for name, names in found.items() if not names & {_ANY_EVENT, ""}}
