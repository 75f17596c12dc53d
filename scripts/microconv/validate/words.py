"""Says what was found: a line per finding, with the day, the numbers and the limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from microconv import output
from microconv.validate.contract import SEVERITIES, Rule, Severity
from microconv.validate.expect import Finding, Judged
from microconv.validate.measures import MINIMUM_DAYS, Measures
from microconv.validate.read import BASELINE_DAYS, Profile

_MOST_DAYS = 3


def scope(profile: Profile) -> str:
    """What was judged, and against what."""
    dates = [day for _, day in profile.judged]
    first, last = min(dates), max(dates)
    properties = sorted({of for of, _ in profile.judged})
    named = "" if properties == ["property"] else f" of property {', '.join(properties)}"
    days = "one date" if first == last else f"the dates {first} to {last}"
    judged = f"{last}" if first == last else days
    return (
        f"Of {profile.place}{named} {judged} judged, each date against up to {BASELINE_DAYS} days "
        "before it."
    )


def untold(measures: Measures) -> str:
    """Which dates could not be compared with others; empty if all could."""
    if not measures.untold:
        return ""
    days = sorted({day for _, day in measures.untold})
    return (
        f"We cannot tell whether {_days(days)} {'is' if len(days) == 1 else 'are'} as usual: fewer "
        f"than {MINIMUM_DAYS} earlier days are there to compare with."
    )


def sentences(judged: Sequence[Judged], severity: Severity) -> list[str]:
    """Findings of a severity, one sentence a rule: its newest finding, where else, what to do."""
    found = []
    for one in judged:
        findings = sorted(
            (finding for finding in one.findings if finding.severity == severity),
            key=lambda finding: str(finding.row.get("event_date") or ""),
            reverse=True,
        )
        if findings:
            also = _also(findings[1:])
            found.append(" ".join(filter(None, [sentence(findings[0]), also, one.rule.remedy])))
    return found


def _also(findings: Sequence[Finding]) -> str:
    """Where else: a few places, and how many more."""
    if not findings:
        return ""
    places = [_label(one) for one in findings]
    more = len(places) - _MOST_DAYS
    shown = places if more <= 1 else [*places[:_MOST_DAYS], f"{more:,} more"]
    return f"The same of {' and '.join(filter(None, [', '.join(shown[:-1]), shown[-1]]))}."


def _label(finding: Finding) -> str:
    names = ("property_id", "conversion_name", "event_name", "event_date")
    given = [(name, finding.row[name]) for name in names if finding.row.get(name) is not None]
    return " ".join(
        f"'{value}'" if name in ("conversion_name", "event_name") else str(value)
        for name, value in given
        if value != "property"
    )


def sentence(finding: Finding) -> str:
    """One finding: rule, property, day, what it is and what is allowed."""
    rule, row = finding.rule, finding.row
    fields: dict[str, Any] = {name: _shown(value) for name, value in row.items()}
    fields |= {"value": finding.value, "share": output.percentage(finding.value)}
    if rule.base is not None:
        fields["base"] = row[rule.base]
    places = [
        f"property {row['property_id']}"
        if row.get("property_id") not in (None, "property")
        else "",
        str(row.get("event_date") or ""),
    ]
    place = ", ".join(one for one in places if one)
    says = rule.says.format(**fields)
    return (
        f"{rule.name}{f' ({place})' if place else ''}: {says}; {allowed(rule, finding.severity)}."
    )


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, date) else value


def allowed(rule: Rule, severity: Severity) -> str:
    """The limit in words."""
    limit = rule.limit(severity)
    if limit is None:
        return "no limit"
    if rule.is_share:
        return f"{rule.side} {100 * limit:g} % is allowed"
    unit = f" {rule.unit}" if rule.unit else ""
    side = "within ±" if rule.side == "within" else f"{rule.side} "
    return f"{side}{limit:g}{unit} is allowed"


def limits(rule: Rule) -> str:
    """Both limits of a rule, for a table."""
    given = [
        f"{severity}: {allowed(rule, severity).removesuffix(' is allowed')}"
        for severity in SEVERITIES
        if rule.limit(severity) is not None
    ]
    return "; ".join(given) or "switched off"


def verdict(judged: Sequence[Judged], is_broken: bool, is_warn_only: bool) -> str:
    """How many rules hold, and what follows."""
    counts = {name: sum(one.verdict == name for one in judged) for name in ("ok", "cannot tell")}
    broken = {name: sum(one.verdict == name for one in judged) for name in SEVERITIES}
    parts = [f"{counts['ok']} of {len(judged)} rules hold"]
    parts += [
        f"{count} {'warn' if severity == 'warning' else 'broken'}"
        for severity, count in broken.items()
        if count
    ]
    if counts["cannot tell"]:
        parts.append(f"of {counts['cannot tell']} we cannot tell")
    said = f"Validated the export: {', '.join(parts)}."
    if not is_broken:
        return said
    follows = "goes on all the same" if is_warn_only else "would go on all the same; a build stops"
    return f"{said} The contract is broken: --warn-only {follows}."


def _days(days: Sequence[date]) -> str:
    listed = [day.isoformat() for day in days]
    if len(listed) <= _MOST_DAYS:
        return " and ".join(filter(None, [", ".join(listed[:-1]), listed[-1]]))
    return f"{len(listed)} dates, {listed[0]} to {listed[-1]},"
