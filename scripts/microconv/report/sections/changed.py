"""What changed: alerts, what people noted, silent days, and what the catalog should mend."""

from __future__ import annotations

from microconv.report.cards import Card, Section, Table
from microconv.report.read import Line, Reader
from microconv.report.sections.alerts import alert_cards, brief
from microconv.report.sections.noted import noted_card, read_noted
from microconv.report.text import Part, listed, text

_MOST = 40
_FINDINGS = 20
_LISTED = 5


def changed(reader: Reader) -> Section:
    """Tracking before behaviour: a silent day looks like a fall and is none."""
    alerts = alert_cards(reader, read_noted(reader))
    cards = (*alerts, noted_card(reader), _outages(reader), _findings(reader))
    lead = (
        "Before a fall is read as behaviour: was everything recorded? What moved is taken apart; "
        "what moved it, no number says."
    )
    return Section("changed", "What changed", lead, cards, brief(alerts))


def _outages(reader: Reader) -> Card:
    since = f"outage_date >= date '{reader.scope.begin.isoformat()}'"
    lines = reader.lines(
        "mart_conversion_outages",
        ("conversion_name", "outage_date"),
        ("session_count", "conversion_count", "expected_count"),
        order="outage_date desc",
        also=since,
    )
    names = dict.fromkeys(line.words("conversion_name") for line in lines)
    days = len({line.day("outage_date") for line in lines})
    labels: list[Part] = [reader.label(name) for name in list(names)[:_LISTED]]
    if len(names) > _LISTED:
        labels.append("and others")
    answer: Part = (
        text(
            f"Hardly counted though visitors were there, on {reader.numbers.count(days)} "
            f"day{'' if days == 1 else 's'}: ",
            listed(labels),
            ".",
        )
        if lines
        else "Everything that is counted often enough to tell was counted on all days."
    )
    unreliable = reader.lines(
        "mart_kpi_outages",
        ("kpi_name", "period_grain", "period_start_date"),
        ("outage_day_count", "is_unreliable"),
        {"period_grain": "all"},
    )
    caveats: list[Part] = []
    if unreliable:
        count = reader.numbers.count(len(unreliable))
        caveats.append(f"Key figures that count something of it: {count}; their cards say so.")
    if len(lines) > _MOST:
        caveats.append(f"The newest {_MOST} rows are shown.")
    return Card(
        key="outages",
        question="Was everything recorded every day?",
        answer=answer,
        scope=reader.told(
            segment="whether something was recorded is counted for all",
            goal="every conversion is looked at",
        ),
        tables=(_table(reader, lines[:_MOST]),) if lines else (),
        caveats=tuple(caveats),
        rule="A day counts as silent with less than a tenth of what an ordinary day has, where at "
        "least 20 were expected, on it or together with the low days around it.",
    )


def _table(reader: Reader, lines: list[Line]) -> Table:
    rows = tuple(
        (
            reader.label(line.words("conversion_name")),
            reader.numbers.day(line.day("outage_date")),
            line.count("session_count"),
            line.count("conversion_count"),
            line.count("expected_count"),
        )
        for line in lines
    )
    return Table("Silent days", ("Conversion", "Day", "Sessions", "Counted", "Expected"), rows)


def _findings(reader: Reader) -> Card:
    lines = reader.lines(
        "mart_catalog_findings",
        ("check_name", "subject"),
        ("severity", "measured", "message"),
        # "warning" comes after "info".
        order="severity desc",
        most=_FINDINGS + 1,
    )
    warnings = sum(line.words("severity") == "warning" for line in lines)
    answer = "Nothing about the catalog needs a look."
    if lines:
        put_right = f"{warnings} to put right" if warnings else "nothing that must be put right"
        answer = f"{put_right[0].upper()}{put_right[1:]}, {len(lines) - warnings} worth a look."
    if len(lines) > _FINDINGS:
        answer = f"More than {_FINDINGS} findings; the first stand below."
    return Card(
        key="findings",
        question="Does the catalog fit what visitors do?",
        answer=answer,
        scope=reader.told(
            segment="the catalog is the same for all",
            since="the catalog is held against them all",
            goal="the whole catalog is looked at",
        ),
        points=tuple(
            text(line.name("message"), " (", line.count("measured"), ")")
            for line in lines[:_FINDINGS]
        ),
        rule="mart_catalog_findings; `dbt build` warns of what should be put right.",
    )
