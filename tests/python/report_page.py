"""Reads a report back: its numbers, and whether they are those of the marts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb


@dataclass
class Shown:
    """A number of the page, and the cell that it says it is."""

    value: str
    mart: str
    key: dict[str, Any]
    column: str
    text: str = ""
    card: str = ""
    among: dict[str, str] = field(default_factory=dict)


@dataclass
class PageText(HTMLParser):
    """What stands on a page outside of styles and drawings."""

    numbers: list[Shown] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    _card: str = ""
    _silent: int = 0
    _inside: Shown | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [has["id"]] if "id" in has else []
        self._silent += tag in ("style", "svg", "title")
        if tag == "article":
            self._card = has["id"]
        if tag == "data":
            key = json.loads(has["data-key"])
            made = Shown(has["value"], has["data-mart"], key, has["data-column"], card=self._card)
            made.among = json.loads(has.get("data-among", "{}"))
            self.numbers.append(made)
            self._inside = made

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "svg", "title")
        if tag == "data":
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self._inside.text += data
        if not self._silent:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def read_page(path: Path) -> PageText:
    page = PageText()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def cell(connection: duckdb.DuckDBPyConnection, shown: Shown) -> Any:
    """The cell that a number says it is; there must be exactly one row."""
    conditions = ["true"]
    values = []
    for name, value in shown.key.items():
        conditions.append(f"{name} is not distinct from ?")
        values.append(value)
    for name, value in shown.among.items():
        conditions.append(
            f"visitor_id in (select visitor_id from int_visitors_segmented where {name} = ?)"
        )
        values.append(value)
    sql = f"select {shown.column} from {shown.mart} where {' and '.join(conditions)}"
    rows = connection.execute(sql, values).fetchall()
    assert len(rows) == 1, (sql, values, len(rows))
    return rows[0][0]


def wrong_numbers(page: PageText, database: Path) -> list[str]:
    """Numbers whose value is not the mart's, or whose text says something else."""
    wrong = []
    with duckdb.connect(str(database), read_only=True) as connection:
        for shown in page.numbers:
            actual = cell(connection, shown)
            said = f"{shown.card}: {shown.mart}.{shown.column} {shown.key}"
            if actual is None:
                if shown.value != "" or shown.text != "–":
                    wrong.append(f"{said} is NULL, but {shown.value} “{shown.text}”")
            elif float(shown.value) != float(actual):
                wrong.append(f"{said} is {actual}, but {shown.value}")
            elif not says(shown.text, float(actual)):
                wrong.append(f"{said} is {actual}, but “{shown.text}”")
    return wrong


def says(text: str, value: float) -> bool:
    """Whether a text (of the locale en) is the value, rounded as the text is."""
    spans = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    match = re.fullmatch(
        r"(<?)([+-]?)\$?([\d,]+(?:\.\d+)?)(%|×| days| hours| minutes| seconds)?", text
    )
    if match is None:
        return False
    below, sign, digits, unit = match.groups()
    number = float(digits.replace(",", "")) * (-1 if sign == "-" else 1)
    if below:
        return value < number
    scale = 0.01 if unit == "%" else spans.get((unit or "").strip(), 1)
    places = len(digits.partition(".")[2])
    return abs(number * scale - value) <= scale * (0.5 * 10**-places + 1e-9)
