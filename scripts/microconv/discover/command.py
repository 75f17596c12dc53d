"""The `discover` command: what the export holds, and what the catalog does not know yet."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microconv import output
from microconv.output import FormatOption, OutputFormat

if TYPE_CHECKING:
    from microconv.discover.read import Event, Export
    from microconv.discover.suggest import Suggestion

COLUMNS = (
    "event_name",
    "parameter_name",
    "event_count",
    "visitor_count",
    "key_event_count",
    "value_types",
    "catalogued_as",
    "suggested_type",
    "suggested_milestone_type",
    "suggested_stage",
    "suggestion_rule",
)
_NOTE = (
    "Rows as exported, copies and robots included; a visitor is a user_pseudo_id. A suggestion "
    "names its rule and is a place to begin: what an action is worth, `make evidence` says."
)


@dataclass(frozen=True)
class Found:
    """An event, the conversions that its name is in the rules of, and a suggestion if in none.

    `is_conditional`: every rule asks for more than the name, so that not all its events are meant.
    """

    event: Event
    catalogued_as: tuple[str, ...]
    is_conditional: bool
    suggestion: Suggestion | None


def discover(
    export: Annotated[
        str | None,
        typer.Option(
            help="Glob of export files to look at.",
            show_default="GA4_EXPORT_FILES, else the tables, else the demo export",
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, help="Only so many of the newest days.", show_default="all files"),
    ] = None,
    output_format: FormatOption = OutputFormat.TABLE,
) -> None:
    """List events and parameters of the export, and suggest what the catalog lacks.

    Writes nothing, and shows names, types and counts, never a value. On tables it reads the
    staged events of the newest 28 days.

    Example: microconv discover --export 'analytics_123456789/events_*.parquet'
    """
    from microconv.discover.read import read_export
    from microconv.profile import find_project_dir, find_seeds_dir

    project_dir = find_project_dir()
    found = read_export(project_dir, export, days)
    judged = judge(found.events, find_seeds_dir(project_dir))
    output.print_as(
        output_format,
        lambda: _show(found, judged),
        COLUMNS,
        [row for one in judged for row in _rows(one)],
        _as_json(found, judged),
        (),
    )


def judge(events: tuple[Event, ...], seeds: Path) -> list[Found]:
    """Compare events with the rules; a rule for any event (`*`) catalogues none."""
    from microconv.check.schema import SEEDS
    from microconv.check.table import read_table
    from microconv.discover.suggest import suggest

    rules = read_table(seeds, "conversion_rules", [one.name for one in SEEDS["conversion_rules"]])
    automatic = set(read_table(seeds, "automatic_events", ["event_name"]).values("event_name"))
    named: dict[str, set[str]] = {}
    unconditional = {row.get("event_name") for row in rules.rows if not row.get("field")}
    for row in rules.rows:
        named.setdefault(row.get("event_name"), set()).add(row.get("conversion_name"))
    return [
        Found(
            event,
            tuple(sorted(named.get(event.name, ()))),
            event.name in named and event.name not in unconditional,
            None
            if event.name in named
            else suggest(event.name, event.key_event_count > 0, event.name in automatic),
        )
        for event in events
    ]


def _rows(found: Found) -> list[dict[str, Any]]:
    """A row for the event, then one for each of its parameters."""
    event, suggestion = found.event, found.suggestion
    first = {
        "event_name": event.name,
        "event_count": event.event_count,
        "visitor_count": event.visitor_count,
        "key_event_count": event.key_event_count,
        "catalogued_as": " ".join(found.catalogued_as),
    }
    if suggestion is not None:
        first |= {
            "suggested_type": suggestion.conversion_type,
            "suggested_milestone_type": suggestion.milestone_type,
            "suggested_stage": suggestion.funnel_stage,
            "suggestion_rule": suggestion.rule,
        }
    return [
        first,
        *(
            {
                "event_name": event.name,
                "parameter_name": one.name,
                "event_count": one.event_count,
                "value_types": " ".join(one.types),
            }
            for one in event.parameters
        ),
    ]


def _as_json(found: Export, judged: list[Found]) -> dict[str, Any]:
    return {
        "place": found.place,
        "first_date": found.first_date,
        "last_date": found.last_date,
        "day_count": found.day_count,
        "events": [
            {
                **asdict(one.event),
                "catalogued_as": list(one.catalogued_as),
                "is_catalogued_on_conditions": one.is_conditional,
                "suggestion": asdict(one.suggestion) if one.suggestion else None,
            }
            for one in judged
        ],
    }


def _show(found: Export, judged: list[Found]) -> None:
    rows = [
        [
            one.event.name,
            ", ".join(one.catalogued_as) or _suggested(one.suggestion),
            _why(one),
            output.count(one.event.event_count),
            output.count(one.event.visitor_count),
            _key_share(one.event),
        ]
        for one in judged
    ]
    span = f"{found.first_date} to {found.last_date}"
    headings = ["Event", "Conversion, or suggestion", "Why", "Events", "Visitors", "Key"]
    output.print_table(f"{found.place}, {span}", headings, rows, left_columns=3)
    _show_parameters(found)
    unknown = [one for one in judged if one.suggestion and one.suggestion.conversion_type]
    output.say_sentence(
        f"{len(judged)} event names; {len(unknown)} are in no rule and could be conversions: add a "
        "row to conversion_catalog.csv, and one with the event's name to conversion_rules.csv. "
        "A parameter is the field param:<name> of a rule."
    )
    output.say_sentence(_NOTE)


def _suggested(suggestion: Suggestion | None) -> str:
    if suggestion is None or suggestion.conversion_type is None:
        return "–"
    kind = (suggestion.milestone_type or "").replace("_", " ")
    return f"{suggestion.conversion_type}, {kind}, {suggestion.funnel_stage}?"


def _why(found: Found) -> str:
    if found.suggestion is not None:
        return found.suggestion.rule
    return "in the catalog, on conditions" if found.is_conditional else "in the catalog"


def _key_share(event: Event) -> str:
    """Whether GA4 marks the event as key event: on all of its rows, or on how many."""
    if not event.key_event_count:
        return ""
    return "yes" if event.key_event_count == event.event_count else f"{event.key_event_count:,}"


def _show_parameters(found: Export) -> None:
    """One row per parameter, with the events that carry it, or how many do."""
    carriers: dict[str, list[Event]] = {}
    types: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    for event in found.events:
        for one in event.parameters:
            carriers.setdefault(one.name, []).append(event)
            types.setdefault(one.name, set()).update(one.types)
            counts[one.name] = counts.get(one.name, 0) + one.event_count
    rows = [
        [
            name,
            " ".join(sorted(types[name])),
            _carriers(events, len(found.events)),
            output.count(counts[name]),
        ]
        for name, events in sorted(carriers.items(), key=lambda item: (-counts[item[0]], item[0]))
    ]
    output.print_table("Parameters", ["Parameter", "Types", "On", "Times"], rows, left_columns=3)


def _carriers(events: list[Event], all_events: int) -> str:
    if len(events) > 4:
        return f"{len(events)} of {all_events} events"
    return ", ".join(event.name for event in events)
