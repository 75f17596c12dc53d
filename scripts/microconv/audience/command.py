"""The `audience` command: exports who has stalled, consent respected, and remembers whom."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microconv import output
from microconv.audience.members import Changes, Consent, changes_of
from microconv.errors import MicroconvError
from microconv.files import write_file

if TYPE_CHECKING:
    from microconv.audience.read import Audience, Moment
    from microconv.profile import Warehouse

# Rows of a look at an audience; all are in the other formats.
_SHOWN = 20
# Used where dbt_project.yml says nothing.
_MINIMUM = 30
_ALLOWED = {Consent.ADS: "analytics and ads", Consent.ANALYTICS: "analytics"}


class AudienceFormat(StrEnum):
    """How an audience is exported; a table is for looking and is not remembered."""

    TABLE = "table"
    CSV = "csv"
    GA4_JSON = "ga4-json"


def audience(
    moment: Annotated[
        str | None,
        typer.Option(
            "--moment",
            help="A moment of audience_moments or a micro-conversion.",
            show_default="lists them all",
        ),
    ] = None,
    export_format: Annotated[
        AudienceFormat, typer.Option("--format", help="table only looks; the others remember.")
    ] = AudienceFormat.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", help="A file.", show_default="standard output")
    ] = None,
    is_hashed: Annotated[
        bool, typer.Option("--hash", help="SHA-256 (hex, no salt) in place of both ids.")
    ] = False,
    consent: Annotated[
        Consent, typer.Option("--consent", help="What the latest session must have allowed.")
    ] = Consent.ADS,
    minimum: Annotated[
        int | None,
        typer.Option(
            "--minimum",
            min=1,
            help="Fewest people of a list.",
            show_default="minimum_audience_size",
        ),
    ] = None,
    has_all: Annotated[
        bool, typer.Option("--all", help="Also those who were exported before.")
    ] = False,
    no_write: Annotated[
        bool, typer.Option("--no-write", help="Do not remember who was exported.")
    ] = False,
    project_dir: Annotated[
        Path | None,
        typer.Option(
            "--project-dir", help="Folder of dbt_project.yml.", show_default="look for it"
        ),
    ] = None,
) -> None:
    """Export visitors who stalled at a moment: first everybody, then who joined and who left.

    Only who consented in the latest session.

    Example: microconv audience --moment cart_left --format csv --out cart_left.csv
    """
    from microconv.audience.read import Audience, find_moment, read_moments
    from microconv.profile import find_project_dir, open_warehouse

    folder = project_dir or find_project_dir()
    remembers = moment is not None and export_format is not AudienceFormat.TABLE and not no_write
    with open_warehouse(folder, is_for_writing=remembers) as warehouse:
        moments = read_moments(warehouse)
        if moment is None:
            _print_moments(moments, consent)
            return
        wanted = Audience(find_moment(moments, moment), consent, str(export_format))
        _export(
            warehouse,
            wanted,
            _least(folder, minimum),
            out,
            has_all=has_all,
            is_hashed=is_hashed,
            remembers=remembers,
        )


def _export(
    warehouse: Warehouse,
    wanted: Audience,
    minimum: int,
    out: Path | None,
    *,
    has_all: bool,
    is_hashed: bool,
    remembers: bool,
) -> None:
    from microconv.audience.read import read_members, read_visitors, remember

    visitors = read_visitors(warehouse, wanted)
    allowed = [one for one in visitors if one.is_allowed]
    found = changes_of(allowed, read_members(warehouse, wanted), wanted.moment.span)
    is_small = len(allowed) < minimum
    _tell(wanted, _who(wanted, len(visitors), len(allowed)))
    if is_small:
        # Taking somebody off a list needs no minimum.
        found = Changes((), found.stayed, found.left)
        _tell(wanted, [_refusal(len(allowed), minimum, found)])
    if found.left or not is_small:
        _tell(wanted, [_what_changed(len(allowed), found)])
    else:
        return
    if wanted.export_format == AudienceFormat.TABLE:
        if not is_small:
            _print_audience(wanted.moment, found)
        return
    _deliver(_text(wanted, found, has_all and not is_small, is_hashed), out)
    if remembers:
        remember(warehouse, wanted, list(found.stayed) if is_small else None)


def _text(wanted: Audience, found: Changes, has_all: bool, is_hashed: bool) -> str:
    from microconv.audience.formats import SILENT, csv_text, ga4_text

    if wanted.export_format == AudienceFormat.CSV:
        return csv_text(wanted.moment.name, found, has_all, is_hashed)
    if is_hashed:
        output.warn(
            "The client ids are hashed. GA4 would take them for new devices: use these lines "
            "elsewhere, not in the Measurement Protocol."
        )
    silent = sum(count for reason, count in found.reasons().items() if reason in SILENT)
    if silent:
        output.warn(f"{silent:,} of those who left are not in the lines: their consent is gone.")
    return ga4_text(wanted.moment.name, found, has_all, is_hashed)


def _deliver(text: str, out: Path | None) -> None:
    """Write all of it or nothing, before anything is remembered."""
    if out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    write_file(text, out, "Nothing was remembered. Look at its folder, then export again.")
    output.note(f"Written to {out}.")


def _tell(wanted: Audience, sentences: list[str]) -> None:
    """Say what was found: beside an export, or as a part of a look."""
    for sentence in sentences:
        if wanted.export_format == AudienceFormat.TABLE:
            output.say_sentence(sentence)
        else:
            output.warn(sentence)


def _who(wanted: Audience, stalled: int, allowed: int) -> list[str]:
    moment = wanted.moment
    said = [
        f"{moment.name} ({moment.label}), as of the end of {moment.as_of_date}: "
        f"{_people(stalled)} stalled."
    ]
    if stalled > allowed:
        said.append(
            f"{stalled - allowed:,} left out: their latest session does not allow "
            f"{_ALLOWED[wanted.consent]}, or nothing is known of it."
        )
    return said


def _what_changed(allowed: int, found: Changes) -> str:
    why = ", ".join(f"{count:,} {reason}" for reason, count in found.reasons().items())
    return (
        f"{_people(allowed)} in the audience: {len(found.joined):,} joined, {len(found.stayed):,} "
        f"exported before; {len(found.left):,} left" + (f" ({why})." if why else ".")
    )


def _refusal(allowed: int, minimum: int, found: Changes) -> str:
    rest = "Only who left is exported." if found.left else "Nothing is exported."
    return (
        f"The audience has {_people(allowed)}, fewer than {minimum:,}: so short a list points at "
        f"persons. {rest} The minimum is minimum_audience_size in dbt_project.yml, or --minimum."
    )


def _people(count: int) -> str:
    return "1 visitor" if count == 1 else f"{count:,} visitors"


def _least(folder: Path, minimum: int | None) -> int:
    from microconv.check.project import project_variables

    configured = project_variables(folder).get("minimum_audience_size", _MINIMUM)
    if minimum is None and (not isinstance(configured, int) or configured < 1):
        raise MicroconvError(
            "The var minimum_audience_size in dbt_project.yml is not a whole number above 0.",
            f"Write {_MINIMUM}.",
        )
    return configured if minimum is None else minimum


def _print_moments(moments: list[Moment], consent: Consent) -> None:
    if moments:
        output.say(f"As of the end of {moments[0].as_of_date}.")
    rows = [
        [
            one.name,
            one.label,
            "audience_moments" if one.is_listed else "micro-conversion",
            output.count(one.stalled_count),
            output.count(one.allowed_count(consent)),
        ]
        for one in moments
    ]
    headings = ["Moment", "What happened", "From", "Stalled", f"May be exported ({consent})"]
    output.print_table("Moments at which visitors stall", headings, rows, left_columns=3)


def _print_audience(moment: Moment, found: Changes) -> None:
    newest = sorted(
        [*found.joined, *found.stayed], key=lambda one: (-one.stalled_timestamp, one.visitor_id)
    )
    rows = [
        [
            one.visitor_id,
            one.last_conversion_name or "–",
            f"{one.days_stalled:.1f}",
            "–" if one.lead_score is None else f"{one.lead_score:.1f}",
        ]
        for one in newest[:_SHOWN]
    ]
    headings = ["Visitor", "Last action", "Days stalled", "Lead score"]
    output.print_table(f"{moment.label}: the newest", headings, rows, left_columns=2)
    if len(newest) > _SHOWN:
        output.say(f"And {len(newest) - _SHOWN:,} more: --format csv has all of them.")
