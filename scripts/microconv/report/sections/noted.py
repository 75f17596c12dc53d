"""What people noted: a card of its own, and marks on the lines of the other cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from microconv.report.cards import Card, Chart, Table
from microconv.report.charts import Mark
from microconv.report.read import Line, Reader
from microconv.report.text import Part, Text, listed, text

_MART = "annotations"
_COLUMNS = ("annotation_date", "what_changed", "where_changed")
_MOST = 60
_MOST_MARKS, _MOST_NAMED = 12, 4


@dataclass(frozen=True)
class Noted:
    """A change that people know of, and the number by which drawings refer to it."""

    number: int
    line: Line

    @property
    def day(self) -> date:
        """When it changed."""
        return self.line.day("annotation_date")

    @property
    def said(self) -> Text:
        """What changed, and where."""
        where = self.line.words("where_changed")
        what = self.line.name("what_changed")
        return text(what, " (", self.line.name("where_changed"), ")") if where else text(what)

    @property
    def dated(self) -> Text:
        """The same with its number and day."""
        return text(f"{self.number}: ", self.line.numbers.day(self.day), " ", self.said)


def read_noted(reader: Reader) -> list[Noted]:
    """What was noted of the days that were asked for; the oldest is number 1."""
    first, last = reader.scope.begin.isoformat(), reader.scope.last_date.isoformat()
    lines = reader.lines(
        _MART,
        _COLUMNS,
        (),
        order="annotation_date desc",
        most=_MOST,
        also=f"annotation_date between date '{first}' and date '{last}'",
    )
    return [Noted(number, line) for number, line in enumerate(reversed(lines), start=1)]


def between(found: Sequence[Noted], first: date, last: date) -> list[Noted]:
    """The newest of a stretch of days, both ends included, as many as a drawing can mark."""
    return [one for one in found if first <= one.day <= last][-_MOST_MARKS:]


def marks(found: Sequence[Noted]) -> list[Mark]:
    """A line for each; those of one day share theirs."""
    days: dict[date, list[str]] = {}
    for one in found:
        days.setdefault(one.day, []).append(str(one.number))
    return [Mark(day, ",".join(numbers)) for day, numbers in days.items()]


def with_caption(chart: Chart, found: Sequence[Noted]) -> Chart:
    """The drawing with what its marks mean."""
    if not found:
        return chart
    if len(found) > _MOST_NAMED:
        numbers = f"{found[0].number} to {found[-1].number}"
        return replace(chart, caption=f"Noted: {numbers}, which “What did people note?” names.")
    said: list[Part] = [one.dated for one in found]
    return replace(chart, caption=text("Noted: ", listed(said)))


def noted_card(reader: Reader) -> Card:
    """All of them, and how to write one down."""
    found = read_noted(reader)
    answer: Part = (
        "Nothing is noted of these days. A release, a campaign or a new banner goes into "
        "annotations.csv and stands on every line from then on."
    )
    if found:
        count = reader.numbers.count(len(found))
        answer = (
            f"{count} change{'' if len(found) == 1 else 's'} noted; their numbers mark the lines."
        )
    rows = tuple(
        (f"{one.number}: {reader.numbers.day(one.day)}", one.said) for one in reversed(found)
    )
    return Card(
        key="noted",
        question="What did people note?",
        answer=answer,
        scope=reader.told(
            segment="what is noted may be about anybody", goal="what is noted may be about any"
        ),
        tables=(Table("Noted changes", ("Day", "What changed"), rows, text_columns=(1,)),)
        if found
        else (),
        caveats=("That something changed on a day does not say that it moved a number.",)
        if found
        else (),
    )
