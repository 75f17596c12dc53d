"""The `summary` command: what a build found, on one screen.

Every rate stands with its base and its interval, and the rule behind it stands below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING

from microconv import output
from microconv.output import FormatOption, OutputFormat
from microconv.summary_data import (
    LARGEST_SEGMENTS,
    SEGMENT_DIMENSIONS,
    FunnelRules,
    Summary,
    read_summary,
)

if TYPE_CHECKING:
    from microconv.profile import Record

NEXT_STEP = (
    "Next: `make evidence` says which micro-conversions announce a purchase. For your own site, "
    "point GA4_EXPORT_FILES at your export: `microconv discover` lists its events, `init` "
    "writes a starter catalog into seeds/, and `make build` builds."
)

# Each list of a summary as long rows for CSV: what names a row, and the columns that are measures.
_MEASURES = {
    "exports": (
        ("source_table_kind",),
        ("day_count", "raw_row_count", "accepted_count", "rejected_count", "duplicate_count"),
    ),
    "funnels": (
        ("funnel_name", "step_number", "conversion_name"),
        (
            "reached_count",
            "previous_step_count",
            "step_conversion_rate",
            "funnel_conversion_rate",
            "immature_count",
        ),
    ),
    "segments": (
        ("conversion_name", "segment_dimension", "segment_value"),
        ("session_count", "converting_session_count", "session_conversion_rate"),
    ),
    "kpis": (("kpi_name",), ("base_count", "value", "immature_count", "outage_day_count")),
    "findings": (("check_name", "subject"), ("measured",)),
}
_LONG_COLUMNS = ("section", "name", "measure", "value", "value_low", "value_high")


def summary(
    output_format: FormatOption = OutputFormat.TABLE,
) -> None:
    """Print what the last build found: rows, funnels, segments, and where the tables are.

    Example: microconv summary --format json
    """
    from microconv.profile import open_warehouse

    with open_warehouse() as warehouse:
        found = read_summary(warehouse)
    if output_format is OutputFormat.JSON:
        output.print_json(asdict(found))
    elif output_format is OutputFormat.CSV:
        output.print_csv(_LONG_COLUMNS, long_rows(found))
    else:
        _print(found)


def long_rows(found: Summary) -> list[Record]:
    """The summary as one table, a row per measure with its interval where it has one.

    Returns:
        Rows of section, name, measure, value, value_low, value_high; rates in 0..1.
    """
    rows: list[Record] = []
    for section, (keys, measures) in _MEASURES.items():
        records: list[Record] = getattr(found, section)
        for record in records:
            name = " / ".join(str(record[key]) for key in keys)
            for measure in measures:
                low, high = record.get(f"{measure}_low"), record.get(f"{measure}_high")
                values = (section, name, measure, record[measure], low, high)
                rows.append(dict(zip(_LONG_COLUMNS, values, strict=True)))
    return rows


def _print(found: Summary) -> None:
    _print_exports(found.exports)
    _print_silent(found)
    for name, steps in groupby(found.funnels, key=lambda row: str(row["funnel_name"])):
        _print_funnel(list(steps), found.funnel_rules[name])
    _print_segments(found)
    _print_kpis(found.kpis)
    for finding in found.findings:
        output.say_sentence(f"Worth a look: {finding['message']}")
    output.say(f"Tables: {found.place}.")
    output.say(NEXT_STEP)


def _print_exports(exports: Sequence[Record]) -> None:
    rows = [
        [
            str(row["source_table_kind"]),
            f"{row['first_date']} to {row['last_date']}",
            *(output.count(_number(row[name])) for name in _MEASURES["exports"][1]),
        ]
        for row in exports
    ]
    headings = ["Tables", "Dates", "Days", "Raw rows", "= accepted", "+ rejected", "+ duplicate"]
    output.print_table("Export days", headings, rows, left_columns=2)


def _print_silent(found: Summary) -> None:
    """Say why tables are empty, where they are."""
    silent, catalogued = found.silent_conversions, found.conversion_count
    if not silent:
        return
    if len(silent) == catalogued:
        said = f"None of the {catalogued} catalogued conversions happened in these days"
    else:
        said = f"{len(silent)} of the {catalogued} catalogued conversions did not happen in these"
        said += f" days ({', '.join(silent)})"
    output.say_sentence(
        f"{said}, so that their rates are 0 or missing. `microconv discover` lists the events that "
        "the export holds; a rule in conversion_rules.csv makes one a conversion."
    )
    output.say()


def _print_funnel(steps: Sequence[Record], funnel: FunnelRules) -> None:
    rows = [
        [
            str(row["step_number"]),
            str(row["label"] or row["conversion_name"]),
            output.count(_number(row["reached_count"])),
            # Step 1 is where everybody enters: its rate is 100 % by definition and says nothing.
            "" if row["step_number"] == 1 else _interval(row, "step_conversion_rate"),
            "" if row["step_number"] == 1 else _interval(row, "funnel_conversion_rate"),
        ]
        for row in steps
    ]
    headings = ["", "Step", "Reached", "From the step before", "From step 1"]
    output.print_table(funnel.label, headings, rows, left_columns=2)
    output.say_sentence(funnel.rules)
    immature = _number(steps[0]["immature_count"])
    if immature:
        output.say_sentence(
            f"{output.count(immature)} newer entries still have time to convert and are not "
            "counted."
        )
    output.say()


def _print_segments(found: Summary) -> None:
    if not found.segments:
        output.say("Too few sessions to compare segments.")
        output.say()
        return
    rows = [
        [
            SEGMENT_DIMENSIONS.get(str(row["segment_dimension"]), "All sessions"),
            "" if row["segment_dimension"] == "all" else str(row["segment_value"]),
            output.count(_number(row["session_count"])),
            output.count(_number(row["converting_session_count"])),
            _interval(row, "session_conversion_rate"),
            output.percentage(_number(row["rest_conversion_rate"])),
            str(row["verdict"] or ""),
        ]
        for row in found.segments
    ]
    headings = ["By", "Segment", "Sessions", "Converted", "Rate", "All others", "Gap"]
    title = f"Sessions with {found.segments[0]['conversion_name']}"
    output.print_table(title, headings, rows, left_columns=2)
    hidden = found.hidden_segment_count
    ones = "one has" if hidden == 1 else "ones have"
    small = f" {hidden} smaller {ones} too few sessions for a rate." if hidden else ""
    output.say_sentence(
        f"The {LARGEST_SEGMENTS} largest segments of each kind; 95 % Wilson intervals; "
        "gaps against all other sessions, corrected for the number of segments "
        f"(mart_segment_gaps).{small}"
    )
    output.say()


def _print_kpis(kpis: Sequence[Record]) -> None:
    """The values beside the ranges that practitioners call healthy."""
    if not kpis:
        return
    rows = [
        [
            str(row["label"]),
            output.count(_number(row["base_count"])),
            _kpi_value(row),
            _kpi_range(row),
            str(row["status"]),
        ]
        for row in kpis
    ]
    output.print_table("KPIs", ["", "Base", "Value", "Healthy", "Status"], rows, left_columns=1)
    output.say_sentence(
        "95 % intervals; below or above only where the whole interval is. The ranges are "
        "practitioner benchmarks (kpi_definitions.csv); mart_kpis has the rule and the advice for "
        "each, by week and segment."
    )
    for row in kpis:
        if row["status"] == "unreliable":
            days = row["outage_day_count"]
            output.say_sentence(
                f"Unreliable: of '{row['label']}' something was not recorded on {days} "
                f"day{'' if days == 1 else 's'} (mart_conversion_outages)."
            )
    output.say()


def _kpi_value(row: Record) -> str:
    if row["measure"] == "share":
        return _interval(row, "value")
    value, low, high = (_number(row[name]) for name in ("value", "value_low", "value_high"))
    if value is None or low is None or high is None:
        return output.interval(None, None, None)
    unit = {"times": "×", "mean_days": " days"}.get(str(row["measure"]), "")
    return f"{value:.2f}{unit} [{low:.2f}, {high:.2f}]"


def _kpi_range(row: Record) -> str:
    low, high = _number(row["benchmark_low"]), _number(row["benchmark_high"])
    is_share = row["measure"] == "share"
    said = [
        f"{one * 100:g} %" if is_share else f"{one:g}" for one in (low, high) if one is not None
    ]
    if low is None or high is None:
        return "".join(f"{'from' if high is None else 'to'} {one}" for one in said)
    return f"{said[0].removesuffix(' %')} to {said[1]}"


def _interval(row: Record, measure: str) -> str:
    return output.interval(
        _number(row[measure]), _number(row[f"{measure}_low"]), _number(row[f"{measure}_high"])
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
