"""What stands on the page: text that escapes itself, and numbers that say where they come from.

Everything that was not written in this package goes through one of these classes, so that nothing
from an export or a list can become markup.
"""

from __future__ import annotations

import json
import math
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias

from markupsafe import Markup, escape

Value: TypeAlias = str | int | float | bool | date | datetime | None


@dataclass(frozen=True)
class Datum:
    """A number as people read it, and the cell it comes from: a test reads it back out of the page.

    Args:
        text: As it is shown.
        value: As the warehouse returned it.
        mart: The table.
        key: The columns that name the row.
        column: The column.
        among: The first visits of the visitors that are counted; empty for all.
    """

    text: str
    value: Value
    mart: str
    key: Mapping[str, Value]
    column: str
    among: Mapping[str, str] = field(default_factory=dict)

    def __html__(self) -> str:
        among = Markup(' data-among="{}"').format(_json(self.among)) if self.among else ""
        return Markup(
            '<data value="{}" data-mart="{}" data-key="{}" data-column="{}"{}>{}</data>'
        ).format(
            machine_text(self.value),
            self.mart,
            _json(self.key),
            self.column,
            among,
            clean(self.text),
        )


def _json(values: Mapping[str, Value]) -> str:
    return clean(json.dumps(dict(values), default=str, ensure_ascii=False))


@dataclass(frozen=True)
class Name:
    """Text that somebody else wrote: a label, a page, a segment; its direction stays inside."""

    text: str

    def __html__(self) -> str:
        return Markup("<bdi>{}</bdi>").format(clean(self.text))


Part: TypeAlias = "str | Datum | Name | Text"


@dataclass(frozen=True)
class Text:
    """A sentence of parts."""

    parts: tuple[Part, ...] = field(default=())

    def __html__(self) -> str:
        return Markup("").join(escape(tidy(part)) for part in self.parts)

    def __bool__(self) -> bool:
        return bool(self.parts)

    @property
    def plain(self) -> str:
        """The same without markup, for a chart's text."""
        return "".join(plain(part) for part in self.parts)


def plain(part: Part) -> str:
    """A part without markup."""
    if isinstance(part, Text):
        return part.plain
    return clean(part if isinstance(part, str) else part.text)


def text(*parts: Part) -> Text:
    """A sentence of parts, one after the other."""
    return Text(parts)


def fill(template: str, **parts: Part) -> Text:
    """A sentence of a template whose places are filled with parts."""
    found: list[Part] = []
    for before, name, _, _ in string.Formatter().parse(template):
        if before:
            found.append(before)
        if name is not None:
            found.append(parts[name])
    return Text(tuple(found))


def listed(parts: list[Part]) -> Text:
    """Parts with commas between them."""
    return joined(parts, ", ")


def spaced(parts: list[Part]) -> Text:
    """Sentences one after the other; empty ones are left out."""
    return joined([part for part in parts if plain(part)], " ")


def joined(parts: list[Part], between: str) -> Text:
    """Parts with something between them."""
    found: list[Part] = []
    for place, part in enumerate(parts):
        found += [between, part] if place else [part]
    return Text(tuple(found))


def clean(value: str) -> str:
    """Text without control characters and halves of characters, which no HTML file may hold."""
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(" " if ord(one) < 32 or 127 <= ord(one) < 160 else one for one in whole)


def tidy(value: Any) -> Any:
    """What is about to be shown, `clean` where it is text that nobody has escaped."""
    return clean(value) if type(value) is str else value


def machine_text(value: Value) -> str:
    """A value as a program reads it back; nothing for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
