"""Puts the sections into one HTML file that asks nothing of any network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from microconv.report.cards import Section
from microconv.report.read import Reader
from microconv.report.sections.call import call
from microconv.report.sections.changed import changed
from microconv.report.sections.happened import happened
from microconv.report.sections.leaks import leaks
from microconv.report.sections.next import what_next
from microconv.report.sections.predicts import predicts
from microconv.report.sections.trust import trust
from microconv.report.text import tidy
from microconv.templates import page_environment

# In the order of a marketer's questions. A section without a card is left out.
SECTIONS: tuple[Callable[[Reader], Section], ...] = (
    happened,
    leaks,
    predicts,
    call,
    changed,
    what_next,
    trust,
)


def build(reader: Reader) -> str:
    """The whole page."""
    sections = [section for section in (make(reader) for make in SECTIONS) if section.cards]
    return render(reader, sections)


def render(reader: Reader, sections: Sequence[Section]) -> str:
    """The page of these sections."""
    environment = page_environment("microconv.report", tidy)
    source, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    return environment.get_template("report.html.j2").render(
        sections=sections, scope=reader.scope, numbers=reader.numbers, style=Markup(source)
    )
