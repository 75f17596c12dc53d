"""How far to trust it: rows accounted for, self-checks, who is missing, limits."""

from __future__ import annotations

from microconv.evidence.templates import HEADINGS, LIMITS
from microconv.report.cards import Card, Section, Table, cells
from microconv.report.read import Line, Reader
from microconv.report.text import Name, Part, listed, text

_ROWS = ("raw_row_count", "accepted_count", "rejected_count", "duplicate_count")
_CHECKS = "evidence_checks"
_BASIS = (
    *("subject_count", "bot_subject_count", "safari_subject_count", "event_count"),
    *("consentless_event_count", "consentless_macro_count", "subject", "missing_lookback_days"),
)
_BASIS_SAID = {
    "subject_count": "Followed",
    "bot_subject_count": "Suspected robots, left out",
    "safari_subject_count": "Safari, which forgets a visitor after about a week",
    "event_count": "Events",
    "consentless_event_count": "Events without consent, which belong to nobody",
    "consentless_macro_count": "Goals reached without consent",
}
_LIMITS = (
    "Session intervals take sessions as independent, which visits of one person are not.",
    "Ranges of key figures are what practitioners report of other sites.",
)


def trust(reader: Reader) -> Section:
    """What the numbers rest on, and what they cannot say."""
    checks = _checks(reader)
    cards = [_rows(reader), *_basis(reader), *_silent(reader), *checks, _limits(reader)]
    said = checks[0].answer if checks else cards[0].answer
    return Section("trust", "How far to trust it", "", tuple(cards), said)


def _rows(reader: Reader) -> Card:
    mart = "stg_ga4__export_days"
    sums = tuple(f"sum({name})" for name in _ROWS)
    kinds = reader.tallies(mart, ("source_table_kind",), (*sums, "count(distinct event_date)"))
    [whole] = reader.tallies(mart, (), sums)
    [loaded] = reader.lines("int_export_as_of", ("as_of_date",), ("loaded_day_count",), most=1)
    calendar = (reader.scope.last_date - reader.scope.first_date).days + 1
    raw, accepted, rejected, copies = (whole.count(name) for name in sums)
    missing = calendar - (loaded.value("loaded_day_count") or 0)
    rows = tuple(
        cells(
            line.name("source_table_kind"),
            line.count("count(distinct event_date)"),
            *(line.count(name) for name in sums),
        )
        for line in kinds
    )
    headings = ("Tables", "Days", "Raw rows", "= accepted", "+ rejected", "+ copies")
    return Card(
        key="rows",
        question="Is every row accounted for?",
        answer=text(
            *("Of ", raw, " raw rows ", accepted, " were accepted, ", rejected, " rejected "),
            *("for a reason, and ", copies, " were copies."),
        ),
        base=text(
            loaded.count("loaded_day_count"),
            f" of {reader.numbers.count(calendar)} days are loaded",
        ),
        scope=reader.told(
            segment="rows are counted before there are segments",
            since="all that is loaded has to add up",
            goal="rows are of every event",
        ),
        tables=(Table("Rows of the export", headings, rows),),
        caveats=(f"{reader.numbers.count(missing)} days are missing.",) if missing > 0 else (),
        is_wide=True,
    )


def _basis(reader: Reader) -> list[Card]:
    found = reader.lines(
        "mart_evidence_checks",
        ("macro_name",),
        _BASIS,
        {"macro_name": reader.scope.macro_name},
        most=1,
    )
    if not found:
        return []
    [line] = found
    rows = tuple((said, line.count(name)) for name, said in _BASIS_SAID.items())
    caveats: list[Part] = []
    if line.value("missing_lookback_days"):
        caveats.append(
            text(
                "Days before the window that are not loaded: ",
                line.count("missing_lookback_days"),
                ", so some first times may be later ones.",
            )
        )
    return [
        Card(
            key="missing",
            question="Whom do the numbers miss?",
            answer=text(
                line.count("bot_subject_count"),
                f" suspected robots are left out of {line.words('subject')}s followed; ",
                line.count("consentless_event_count"),
                " events came without consent.",
            ),
            scope=reader.told(
                segment="who is missing has no segment", since="the evidence takes them all"
            ),
            tables=(Table("Who is followed", ("What", "Count"), rows),),
            caveats=tuple(caveats),
        )
    ]


def _silent(reader: Reader) -> list[Card]:
    """Catalogued conversions that never happened."""
    counted = {
        line.words("conversion_name"): line.value("sum(conversion_count)") or 0
        for line in reader.tallies(
            "mart_daily_conversions",
            ("conversion_name",),
            ("sum(conversion_count)",),
            {"segment_dimension": "all"},
        )
    }
    silent: list[Part] = [
        Name(label) for name, label in reader.labels.items() if not counted.get(name)
    ]
    if not silent:
        return []
    return [
        Card(
            key="silent",
            question="Which conversions never happened?",
            answer=text(listed(silent), "."),
            scope=reader.told(
                segment="the catalog is the same for all",
                since="the catalog is held against them all",
                goal="the whole catalog is looked at",
            ),
            caveats=("Their rates are 0 or missing; perhaps their rules name no event there is.",),
        )
    ]


def _checks(reader: Reader) -> list[Card]:
    if not reader.has_evidence(_CHECKS):
        return []
    lines = reader.lines(
        _CHECKS,
        ("macro_name", "check_name"),
        ("status", "sentence"),
        {"macro_name": reader.scope.macro_name},
    )
    if not lines:
        return []
    failed: list[Part] = [_title(line) for line in lines if line.words("status") == "failed"]
    rows = tuple((_title(line), line.name("status"), line.name("sentence")) for line in lines)
    caveats: list[Part] = []
    if failed:
        names = ", ".join(str(one) for one in failed)
        caveats.append(HEADINGS["capped"].format(checks=names))
    if reader.numbers.locale.language != "en":
        caveats.append("Numbers in the sentences of this table are written as in English.")
    return [
        Card(
            key="checks",
            question="Does the method find nothing where nothing is?",
            answer=text("Self-checks that failed: ", listed(failed), ".")
            if failed
            else "No self-check failed.",
            scope=reader.told(
                segment="the method is tried on everybody", since="the evidence takes them all"
            ),
            tables=(
                Table(
                    "Self-checks of the evidence",
                    ("Check", "Result", "Found"),
                    rows,
                    text_columns=(1, 2),
                ),
            ),
            caveats=tuple(caveats),
            rule="Placebos are made-up events that happen at random on your own data.",
            is_wide=True,
        )
    ]


def _title(line: Line) -> str:
    return line.words("check_name").replace("_", " ")


def _limits(reader: Reader) -> Card:
    return Card(
        key="limits",
        question="What can no number here say?",
        answer="Why people did what they did.",
        scope=reader.told(segment="limits hold for all", since="limits hold always"),
        points=(*LIMITS, *_LIMITS),
        is_wide=True,
    )
