"""The contract of the raw export as data: what is asked of a day, and from when on it is broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["warning", "critical"]
Side = Literal["at most", "at least", "within"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning")
VARIABLE = "export_contract"
FRESHNESS = "freshness"
"""The one rule that is only asked when somebody says which date to expect."""


@dataclass(frozen=True)
class Rule:
    """One thing that is asked of the export.

    Args:
        name: What it goes by in dbt_project.yml.
        frame: The rows that it judges, see `Measures`.
        column: The measure; a share of `base` where that is named and `is_share`.
        warning, critical: The limits; None for none. Beyond the critical one a build stops.
        side: On which side of a limit is right; `within` means between minus and plus the limit.
        asks: What is asked, in a few words.
        says: What a row that breaks it says; fields of the row, and {share}, {value}, {base}.
        remedy: What to try.
        base: The column that must reach the minimum group size before anything is said.
        is_share: Whether the measure is divided by the base.
        unit: What a limit is counted in, in words.
    """

    name: str
    frame: Literal["tables", "days", "window", "events", "catalog"]
    column: str
    side: Side
    warning: float | None
    critical: float | None
    asks: str
    says: str
    remedy: str
    base: str | None = None
    is_share: bool = False
    unit: str = ""

    def limit(self, severity: Severity) -> float | None:
        """The limit of a severity."""
        return self.critical if severity == "critical" else self.warning

    @property
    def measure(self) -> str:
        """The column of the judged frame, unique to the rule."""
        return f"{self.name}_measure"


def _share(
    name: str,
    column: str,
    base: str,
    limits: tuple[float | None, float | None],
    words: tuple[str, str, str],
    frame: Literal["days", "window"] = "days",
) -> Rule:
    asks, says, remedy = words
    return Rule(name, frame, column, "at most", *limits, asks, says, remedy, base, is_share=True)


RULES: tuple[Rule, ...] = (
    Rule(
        "one_table",
        "tables",
        "same_kind_count",
        "at most",
        None,
        1,
        "one table of a kind per date",
        "{value:.0f} {kind} tables are of this date, one of them {name}",
        "A build reads one of them; move the others away.",
    ),
    Rule(
        "no_gaps",
        "tables",
        "missing_day_count",
        "at most",
        0,
        None,
        "no date is missing",
        "dates without a table just before this one: {value:.0f}",
        "Export them, or expect every trend to show a gap.",
    ),
    Rule(
        FRESHNESS,
        "days",
        "days_late",
        "at most",
        None,
        0,
        "the newest date is the one that --expect names",
        "the newest date is older than expected, in days: {value:.0f}",
        "Google writes a day's table at no fixed hour; try later, or look at the GA4 link.",
    ),
    Rule(
        "rows",
        "days",
        "row_count",
        "at least",
        None,
        1,
        "a date has rows",
        "no table of this date has any row",
        "Export the day again.",
    ),
    Rule(
        "fields",
        "days",
        "lacking_essential_count",
        "at most",
        None,
        0,
        "the fields that make an event, in a type that fits",
        "missing, or of another type: {lacking_essential_fields}",
        "Export the table as Google wrote it.",
    ),
    Rule(
        "lost_fields",
        "days",
        "lost_field_count",
        "at most",
        0,
        None,
        "no field is lost that days before had",
        "lost or of another type since the weeks before: {lost_fields}",
        "They are read as NULL; look at how this day was exported.",
    ),
    Rule(
        "volume",
        "days",
        "volume_z",
        "within",
        4,
        None,
        "rows as usual on this weekday, in standard deviations of their logarithm",
        "{row_count:,} rows where {expected_row_count:,.0f} are usual on this weekday "
        "({value:+.1f} standard deviations of the weeks before)",
        "If nothing happened on the site, something did to its tags or to the export.",
        base="expected_row_count",
        unit="standard deviations",
    ),
    Rule(
        "volume_floor",
        "days",
        "volume_ratio",
        "at least",
        None,
        0.1,
        "rows against the usual ones of this weekday",
        "{row_count:,} rows where {expected_row_count:,.0f} are usual on this weekday",
        "The day is most likely not complete: export it again, or wait for it.",
        base="expected_row_count",
        unit="of the usual",
    ),
    _share(
        "event_dates",
        "is_other_date_count",
        "row_count",
        (0.001, 0.5),
        (
            "rows whose event_date is not the date of their table",
            "{share} of {base:,} rows have no event_date, or that of another day",
            "A build rejects these rows; was the file given the name of another day?",
        ),
    ),
    _share(
        "timestamps",
        "lacks_time_count",
        "row_count",
        (0.001, 0.5),
        (
            "rows without an event_timestamp within a week of their date",
            "{share} of {base:,} rows have no event_timestamp, or one more than a week off",
            "A build rejects these rows; event_timestamp is in microseconds since 1970, UTC.",
        ),
    ),
    _share(
        "event_names",
        "lacks_name_count",
        "row_count",
        (0.001, 0.5),
        (
            "rows without an event_name",
            "{share} of {base:,} rows have no event_name",
            "A build rejects these rows.",
        ),
    ),
    _share(
        "time_zone",
        "is_other_local_date_count",
        "is_timed_count",
        (0.02, None),
        (
            "rows that happened on another day than their table's, in property_time_zone",
            "{share} of {base:,} rows happened on another day in the time zone of "
            "property_time_zone",
            "Set property_time_zone in dbt_project.yml to the property's; it decides when a day "
            "ends.",
        ),
    ),
    _share(
        "visitor_ids",
        "lacks_visitor_count",
        "row_count",
        (0.5, 0.99),
        (
            "rows without a user_pseudo_id",
            "{share} of {base:,} rows have no user_pseudo_id",
            "Hits without consent have none, and belong to no visitor; so many leave little to "
            "count.",
        ),
    ),
    _share(
        "session_ids",
        "lacks_session_count",
        "is_identified_count",
        (0.05, 0.5),
        (
            "rows of known visitors without ga_session_id",
            "{share} of {base:,} rows of known visitors have no ga_session_id",
            "They belong to no session; hits sent by a server often lack it.",
        ),
    ),
    _share(
        "pages",
        "lacks_page_count",
        "is_page_view_count",
        (0.05, None),
        (
            "page views without page_location",
            "{share} of {base:,} page views have no page_location",
            "Landing pages and rules on pages miss them; look at the tag.",
        ),
    ),
    _share(
        "order_ids",
        "lacks_order_count",
        "is_purchase_count",
        (0.1, None),
        (
            "purchases without transaction_id",
            "{share} of {base:,} purchases have no transaction_id",
            "An order that is sent twice then counts twice; send transaction_id with each.",
        ),
        frame="window",
    ),
    _share(
        "revenue",
        "lacks_revenue_count",
        "is_purchase_count",
        (0.1, None),
        (
            "purchases without revenue",
            "{share} of {base:,} purchases have no revenue",
            "Values and averages miss them; send value and currency with each.",
        ),
        frame="window",
    ),
    Rule(
        "event_mix",
        "days",
        "mix_divergence",
        "at most",
        0.15,
        None,
        "event names in their usual proportions (Kullback-Leibler divergence, nats)",
        "event names are in other proportions than in the weeks before (divergence {value:.2f})",
        "Compare `microconv discover --days 1` with an older day.",
        base="row_count",
    ),
    Rule(
        "usual_events",
        "events",
        "event_ratio",
        "at least",
        0.1,
        None,
        "events of the weeks before, against what is usual",
        "'{event_name}' is there {row_count:,} times where {base:,.0f} are usual",
        "Was its tag taken away, or is it broken? `microconv watch` leaves such days out.",
        base="expected_row_count",
        unit="of the usual",
    ),
    Rule(
        "catalogued_events",
        "catalog",
        "row_count",
        "at least",
        1,
        None,
        "an event that the rules of a conversion name occurs",
        "of '{conversion_name}' no event that its rules name ({event_names}) is in {base:,} rows",
        "Is it sent by another name? `microconv discover` lists what there is.",
        base="window_row_count",
        unit="row",
    ),
)


def contract(changed: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules with the limits that a project sets for itself.

    Args:
        changed: The var `export_contract`: a mapping of rule to one of `warning` and `critical` to
            a limit, null for none; checked by `microconv check`.
    """
    return tuple(replace(rule, **changed.get(rule.name, {})) for rule in RULES)
