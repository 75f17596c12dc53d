"""The `report` command: writes what the marts say as one page for people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from microconv import output
from microconv.clock import date_option
from microconv.files import write_file


def report(
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("report.html"),
    macro: Annotated[
        str | None,
        typer.Option(
            "--macro",
            help="The goal: a macro-conversion. Cards that know no goals say so.",
            show_default="the main one",
        ),
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(
            "--segment",
            help="One segment, dimension=value. Cards that know no segments say so.",
            show_default="everybody",
        ),
    ] = None,
    since: Annotated[
        date | None,
        date_option(
            "--since",
            "First day. Cards that take all loaded days say so.",
            "first loaded day",
        ),
    ] = None,
    locale: Annotated[
        str, typer.Option("--locale", help="How numbers and dates are written, such as de.")
    ] = "en",
) -> None:
    """Write the report for marketers: one HTML file, which needs no network.

    It may name visitors, so only its owner can read it.

    Example: microconv report --out mobile.html --segment device_category=mobile
    """
    from microconv.profile import open_warehouse
    from microconv.report.numbers import Numbers
    from microconv.report.page import build
    from microconv.report.read import Reader
    from microconv.report.scope import find_scope

    numbers = Numbers(locale)
    with open_warehouse() as warehouse:
        page = build(Reader(warehouse, numbers, find_scope(warehouse, macro, segment, since)))
    write_file(page, out)
    size = output.count(len(page.encode("utf-8")) / 1000)
    output.say(f"Report: {out} ({size} kB). Open it in a browser.")
