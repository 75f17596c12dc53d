"""The result as one page without any request, and as rows for JSON and CSV."""

from __future__ import annotations

from typing import Any

from microconv.templates import page_environment
from microconv.validate import words
from microconv.validate.contract import SEVERITIES, VARIABLE
from microconv.validate.outcome import Outcome

COLUMNS = (
    "rule",
    "verdict",
    "severity",
    "property_id",
    "event_date",
    "conversion_name",
    "event_name",
    "measure",
    "limit",
    "base_count",
    "message",
)
_HEADINGS = {"critical": "What breaks the contract", "warning": "What is worth a look"}


def rule_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """A row per rule."""
    return [
        {
            "rule": one.rule.name,
            "asks": one.rule.asks,
            "limits": words.limits(one.rule),
            "judged_count": one.row_count,
            "broken_count": len(one.findings),
            "verdict": one.verdict,
        }
        for one in outcome.judged
    ]


def finding_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """A row per finding; per rule that has none, its verdict."""
    found: list[dict[str, Any]] = []
    for one in outcome.judged:
        if not one.findings:
            found.append({"rule": one.rule.name, "verdict": one.verdict})
        found += [
            {
                "rule": one.rule.name,
                "verdict": one.verdict,
                "severity": finding.severity,
                "property_id": finding.row.get("property_id"),
                "event_date": finding.row.get("event_date"),
                "conversion_name": finding.row.get("conversion_name"),
                "event_name": finding.row.get("event_name"),
                "measure": finding.value,
                "limit": one.rule.limit(finding.severity),
                "base_count": finding.row.get(one.rule.base) if one.rule.base else None,
                "message": words.sentence(finding),
            }
            for finding in one.findings
        ]
    return found


def document(outcome: Outcome) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "ok": not outcome.is_broken,
        "judged": words.scope(outcome.profile),
        "cannot_compare": words.untold(outcome.measures),
        "minimum_group_size": outcome.minimum,
        "rules": rule_rows(outcome),
        "findings": [row for row in finding_rows(outcome) if "severity" in row],
        "days": outcome.measures.days,
    }


def render(outcome: Outcome, is_warn_only: bool) -> str:
    """The page. Names in it come from the export: whatever they hold is shown as text."""
    environment = page_environment("microconv.validate")
    return environment.get_template("validation.html.j2").render(
        scope=words.scope(outcome.profile),
        verdict=words.verdict(outcome.judged, outcome.is_broken, is_warn_only),
        untold=words.untold(outcome.measures),
        findings=[
            (_HEADINGS[severity], severity, words.sentences(outcome.judged, severity))
            for severity in SEVERITIES
        ],
        rules=rule_rows(outcome),
        days=outcome.measures.days,
        minimum=outcome.minimum,
        variable=VARIABLE,
    )
