"""Has Great Expectations judge the measures: an expectation per rule and severity."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

from microconv.errors import MicroconvError
from microconv.validate.contract import SEVERITIES, Rule, Severity
from microconv.validate.measures import Measure, Measures, Row

Verdict = Literal["ok", "warning", "critical", "cannot tell"]


@dataclass(frozen=True)
class Finding:
    """A row that breaks a rule.

    Args:
        rule: Which.
        severity: How badly.
        row: The row of the frame.
        value: The measure that was judged.
    """

    rule: Rule
    severity: Severity
    row: Row
    value: float


@dataclass(frozen=True)
class Judged:
    """What became of one rule.

    Args:
        rule: Which.
        row_count: Rows that had enough to be judged.
        findings: Rows that broke it, the worst severity of each.
    """

    rule: Rule
    row_count: int
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst that was found; without a row that could be judged nothing is said."""
        if not self.row_count:
            return "cannot tell"
        found = {one.severity for one in self.findings}
        return next((severity for severity in SEVERITIES if severity in found), "ok")


def judge(measures: Measures, rules: Sequence[Rule], minimum: int) -> list[Judged]:
    """Judge every rule.

    Args:
        measures: What was measured.
        rules: The contract.
        minimum: Rows, page views, purchases … under which nothing is said of a share.

    Raises:
        MicroconvError: Great Expectations is not installed, or could not judge.
    """
    great = _great_expectations()
    source = _context(great).data_sources.add_pandas("export")
    found: dict[str, list[Finding]] = {rule.name: [] for rule in rules}
    counts: dict[Rule, int] = {}
    for frame in dict.fromkeys(rule.frame for rule in rules):
        rows, of_frame = measures.frame(frame), [rule for rule in rules if rule.frame == frame]
        values = {rule: [_measure(rule, row, minimum) for row in rows] for rule in of_frame}
        counts |= {rule: sum(one is not None for one in values[rule]) for rule in of_frame}
        for rule, severity, places in _broken(great, source, frame, values):
            taken = [one.row for one in found[rule.name]]
            found[rule.name] += [
                Finding(rule, severity, rows[place], float(values[rule][place] or 0))
                for place in places
                if rows[place] not in taken
            ]
    return [Judged(rule, counts[rule], tuple(found[rule.name])) for rule in rules]


def _measure(rule: Rule, row: Row, minimum: int) -> float | None:
    """What is judged of a row; None where there is nothing, or too little of it."""
    value, base = _number(row.get(rule.column)), 1.0
    if rule.base is not None:
        base = _number(row.get(rule.base)) or 0.0
        if base < minimum:
            return None
    return None if value is None else value / base if rule.is_share else value


def _number(value: Measure) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _broken(
    great: Any, source: Any, frame: str, values: dict[Rule, list[float | None]]
) -> list[tuple[Rule, Severity, list[int]]]:
    """Rules of one frame with the places of the rows that break them, critical ones first."""
    import pandas as pd

    columns = {rule.measure: pd.Series(values[rule], dtype="float64") for rule in values}
    batch = source.add_dataframe_asset(frame).add_batch_definition_whole_dataframe("all")
    asked = [
        (rule, severity, limit)
        for severity in SEVERITIES
        for rule in values
        if (limit := rule.limit(severity)) is not None
    ]
    suite = great.ExpectationSuite(
        name=frame, expectations=[_expectation(great, *one) for one in asked]
    )
    outcome = batch.get_batch({"dataframe": pd.DataFrame(columns)}).validate(
        suite, result_format="COMPLETE"
    )
    broken = []
    by_id = {(rule.name, severity): rule for rule, severity, _ in asked}
    for result in outcome.results:
        meta = result.expectation_config.meta
        if result.exception_info.get("raised_exception"):
            raise MicroconvError(
                f"Great Expectations could not judge '{meta['rule']}': "
                f"{result.exception_info['exception_message']}"
            )
        if not result.success:
            severity: Severity = meta["severity"]
            places = [int(place) for place in result.result["unexpected_index_list"]]
            broken.append((by_id[meta["rule"], severity], severity, places))
    return sorted(broken, key=lambda one: SEVERITIES.index(one[1]))


def _expectation(great: Any, rule: Rule, severity: Severity, limit: float) -> Any:
    bounds = {
        "at most": (None, limit),
        "at least": (limit, None),
        "within": (-limit, limit),
    }[rule.side]
    return great.expectations.ExpectColumnValuesToBeBetween(
        column=rule.measure,
        min_value=bounds[0],
        max_value=bounds[1],
        severity=severity,
        meta={"rule": rule.name, "severity": severity},
    )


def _context(great: Any) -> Any:
    """A context in memory, without the documentation that it would write and load from outside."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    return great.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars=ProgressBarsConfig(globally=False),
        ),
    )


def check_installed() -> None:
    """Refuse before anything is read.

    Raises:
        MicroconvError: Great Expectations is not installed.
    """
    if find_spec("great_expectations") is None:
        raise MicroconvError(
            "Great Expectations is not installed, which judges the export.",
            "Run `make setup-validate`, or pip install -r requirements/validate.txt.",
        )


def _great_expectations() -> Any:
    """The package, which comes with an extra and takes seconds to load."""
    check_installed()
    # Read when the package is loaded: it would send what is used to its makers.
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
    # What it logs is no result of ours.
    logging.getLogger("great_expectations").propagate = False
    return great_expectations
