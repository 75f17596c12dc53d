"""Funnels: how many reach each step, and where most are lost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from microconv.report.cards import Bar, Card, Table
from microconv.report.read import Line, Reader
from microconv.report.text import Name, Part, Text, text
from microconv.summary_data import FunnelRules, read_funnel_rules

_KEYS = (
    *("funnel_name", "period_grain", "period_start_date", "segment_dimension", "segment_value"),
    *("segment_attribution", "step_number"),
)
_RATES = tuple(
    f"{rate}{end}"
    for rate in ("step_conversion_rate", "funnel_conversion_rate")
    for end in ("", "_low", "_high")
)
_COLUMNS = (
    *("conversion_name", "step_label", "role", "reached_count", "previous_step_count"),
    *("entered_count", "drop_off_count", "immature_count", "unit", "counting"),
    *("entry", *_RATES),
)


@dataclass(frozen=True)
class Funnel:
    """A funnel over all loaded days: its steps, its label and its rules."""

    name: str
    rules: FunnelRules
    steps: tuple[Line, ...]

    @property
    def unit(self) -> str:
        """What is counted, in the plural."""
        first = self.steps[0]
        return "attempts" if first.words("counting") == "attempts" else f"{first.words('unit')}s"

    @property
    def is_plain(self) -> bool:
        """Whether everybody begins at step 1 and is counted once."""
        return self.unit != "attempts" and self.steps[0].words("entry") == "closed"

    @property
    def worst(self) -> Line | None:
        """The step before which most are lost; None where nobody is."""
        lost = [step for step in self.steps[1:] if step.value("drop_off_count")]
        return max(lost, key=lambda step: step.value("drop_off_count") or 0, default=None)

    def leads_to(self, conversion: str) -> bool:
        """Whether this conversion is a step of it."""
        return any(step.words("conversion_name") == conversion for step in self.steps)


def read_funnels(reader: Reader) -> list[Funnel]:
    """Funnels that lead to the goal, the plainest first."""
    rules = read_funnel_rules(reader.warehouse)
    mart = reader.warehouse.relation("mart_funnel_steps")
    lines = reader.lines(
        "mart_funnel_steps",
        _KEYS,
        _COLUMNS,
        {"period_grain": "all", **reader.scope.where},
        also=f"segment_attribution in (select min(segment_attribution) from {mart})",
    )
    found = []
    for name, steps in groupby(lines, key=lambda line: line.words("funnel_name")):
        found.append(Funnel(name, rules.get(name, FunnelRules(name, "")), tuple(steps)))
    wanted = [one for one in found if one.leads_to(reader.scope.macro_name)]
    wanted.sort(key=lambda one: (not one.is_plain, one.unit != "visitors", one.name))
    return wanted


def funnel_card(reader: Reader, funnel: Funnel) -> Card:
    """How many get through, and where most are lost."""
    first, last = funnel.steps[0], funnel.steps[-1]
    most = max(step.value("reached_count") or 0 for step in funnel.steps) or 1
    caveats: list[Part] = []
    if first.value("immature_count"):
        immature = first.count("immature_count")
        caveats.append(text(immature, f" {funnel.unit} still have time and are not counted."))
    rate = last.interval("funnel_conversion_rate")
    return Card(
        key=f"funnel-{funnel.name.replace('_', '-')}",
        question=text("How far do they get: ", Name(funnel.rules.label)),
        answer=_answer(reader, funnel),
        headline=text(rate, " reach ", last.name("step_label")) if _has_rate(last) else "",
        base=text("Base: ", last.count("entered_count"), f" {funnel.unit} that entered"),
        scope=reader.told(since="everybody is counted once over all of them"),
        bars=tuple(_bar(funnel, step, most) for step in funnel.steps),
        tables=(_table(funnel),),
        caveats=tuple(caveats),
        rule=funnel.rules.rules,
    )


def _has_rate(step: Line) -> bool:
    return step.has("funnel_conversion_rate")


def _answer(reader: Reader, funnel: Funnel) -> Text:
    if not _has_rate(funnel.steps[-1]):
        least = reader.numbers.count(reader.scope.minimum)
        return text(f"Too few {funnel.unit} for rates: it takes {least}.")
    worst = funnel.worst
    if worst is None:
        return text("Nobody is lost on the way.")
    return text(
        "Most are lost before ",
        worst.name("step_label"),
        ": ",
        worst.count("drop_off_count"),
        " of ",
        worst.count("previous_step_count"),
        f" {funnel.unit} went no further.",
    )


def _bar(funnel: Funnel, step: Line, most: float) -> Bar:
    is_first = step is funnel.steps[0]
    label = text(f"{step.record['step_number']}. ", step.name("step_label"))
    went = " went no further"
    if step.words("role") == "optional":
        label, went = text(label, " (may be skipped)"), " skipped it or went no further"
    note: Text | str = ""
    if not is_first and step.has("step_conversion_rate"):
        note = text(
            step.interval("step_conversion_rate"),
            " of the step before; ",
            step.count("drop_off_count"),
            went,
        )
    elif not is_first:
        note = text("Too few a step before for a rate (", step.count("previous_step_count"), ")")
    return Bar(label, (step.value("reached_count") or 0) / most, step.count("reached_count"), note)


def _table(funnel: Funnel) -> Table:
    rows = tuple(
        (
            step.name("step_label"),
            step.count("reached_count"),
            *(
                ("", "", "")
                if step is funnel.steps[0]
                else (
                    step.count("drop_off_count"),
                    step.interval("step_conversion_rate"),
                    step.interval("funnel_conversion_rate"),
                )
            ),
        )
        for step in funnel.steps
    )
    headings = ("Step", "Reached", "Lost before it", "From the step before", "From entry")
    caption = text(Name(funnel.rules.label), ", step by step").plain
    return Table(caption, headings, rows, is_folded=True)
