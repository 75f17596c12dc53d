"""Whose daily rate moves days before that of the goal."""

from __future__ import annotations

from collections.abc import Sequence

from microconv.lead_lag.family import REFUSED
from microconv.lead_lag.words import LIMITS
from microconv.report.cards import Card, Table
from microconv.report.read import Line, Reader
from microconv.report.sections.origin import english_words
from microconv.report.text import Part, listed, text
from microconv.watching.lead_lag import LagVerdict

TABLE = "evidence_lead_lag"
_KEYS = ("macro_name", "micro_name")
_COLUMNS = (
    *("micro_label", "verdict", "lag", "lag_unit", "correlation", "q_value", "period_count"),
    *("is_low_power", "sentence"),
)
_SILENT = (REFUSED, str(LagVerdict.NO_EVIDENCE))


def lag_card(reader: Reader, old: tuple[Part, ...]) -> list[Card]:
    """Leads and lags that `microconv lead-lag` concluded; most often there are none."""
    lines = reader.lines(TABLE, _KEYS, _COLUMNS, {"macro_name": reader.scope.macro_name})
    judged = [line for line in lines if line.words("verdict") != REFUSED]
    clear = [line for line in judged if line.words("verdict") not in _SILENT]
    answer: Part = "The history is too short or too thin to compare daily rates."
    if clear:
        names: list[Part] = [line.name("micro_label") for line in clear]
        answer = text("Something was found of: ", listed(names), ".")
    elif judged:
        answer = "No evidence that one of these rates moves first, which is no evidence of none."
    return [
        Card(
            key="lags",
            question=text("Which daily rate moves before that of ", reader.scope.goal, "?"),
            answer=answer,
            scope=reader.told(
                segment="the mix of device and channel is held equal",
                since="a lead takes all the history there is",
            ),
            points=tuple(line.name("sentence") for line in clear),
            tables=(_table(judged),) if judged else (),
            caveats=(*old, *(english_words(reader) if clear else ()), *LIMITS[:2]),
        )
    ]


def _table(lines: Sequence[Line]) -> Table:
    rows = tuple(
        (
            line.name("micro_label"),
            line.words("verdict"),
            text(line.count("period_count"), " ", line.name("lag_unit"), "s"),
            line.shown("q_value", "plain"),
        )
        for line in lines
    )
    headings = ("Action", "Verdict", "History", "q")
    return Table("Daily rates", headings, rows, is_folded=True, text_columns=(1,))
