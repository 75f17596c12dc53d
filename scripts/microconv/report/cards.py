"""What a page is made of: sections of cards, and what a card holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from markupsafe import Markup

from microconv.report.text import Part

Cell: TypeAlias = Part


def cells(*parts: Cell) -> tuple[Cell, ...]:
    """A row of a table."""
    return parts


@dataclass(frozen=True)
class Table:
    """Numbers in rows; the first column names the row.

    `is_folded` tables lie behind a chart that says the same, for whoever cannot see it or wants the
    numbers. `text_columns` (from 0) hold words and are set from the left.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_folded: bool = False
    text_columns: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A drawing (SVG), what it shows, in words, and what stands below it."""

    svg: Markup
    description: str
    caption: Part = ""


@dataclass(frozen=True)
class Bar:
    """One bar of a funnel: how wide, and what stands beside it."""

    label: Part
    share: float
    number: Part
    note: Part = ""


@dataclass(frozen=True)
class Band:
    """A value between the ends of a scale, and the range that is called healthy; all 0..1."""

    value: float
    low: float
    high: float
    healthy_low: float | None
    healthy_high: float | None


@dataclass(frozen=True)
class Card:
    """One question and its answer.

    Args:
        key: Names the card in the page's links; lower-case letters, digits and hyphens.
        question: The heading.
        answer: One sentence.
        headline: The number with its interval, where there is one number.
        base: What the number rests on.
        scope: Whom the card is about.
        status: A word such as `below`; empty for none.
        caveats: What to keep in mind.
    """

    key: str
    question: Part
    answer: Part
    headline: Part = ""
    base: Part = ""
    scope: Part = ""
    status: str = ""
    band: Band | None = None
    bars: tuple[Bar, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    points: tuple[Part, ...] = ()
    caveats: tuple[Part, ...] = ()
    rule: Part = ""
    is_wide: bool = False


@dataclass(frozen=True)
class Section:
    """Cards that answer one of a marketer's questions.

    Args:
        key: Names the section in the page's links.
        title: The question.
        lead: What to know before reading on.
        cards: The answers.
        brief: The answer in a sentence, for the top of the page.
    """

    key: str
    title: str
    lead: Part
    cards: tuple[Card, ...] = field(default=())
    brief: Part = ""
