"""What each seed may hold: its columns, their words, and which of them this version runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "name",
    "text",
    "choice",
    "integer",
    "number",
    "date",
    "pattern",
    "value_rule",
    "field",
    "hostname",
    "distinct_field",
    "event_field",
    "time_span",
]

VERTICALS = ("ecommerce", "saas", "lead_generation", "content_media", "mobile_app")
STAGES = ("awareness", "interest", "consideration", "intent", "conversion")
# What derived conversions are made of and nothing else counts, such as any page view.
INGREDIENT = "ingredient"

NUMERIC_OPERATORS = ("at_least", "at_most", "greater_than", "less_than")
EXISTENCE_OPERATORS = ("is_set", "is_not_set")
OPERATORS = (
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "matches",
    "in",
    *NUMERIC_OPERATORS,
    *EXISTENCE_OPERATORS,
)

NUMERIC_FIELDS = (
    "percent_scrolled",
    "engagement_seconds",
    "event_value",
    "revenue_usd",
    "session_number",
)
TEXT_FIELDS = (
    "page_path",
    "page_location",
    "page_title",
    "page_referrer",
    "search_term",
    "link_url",
    "file_name",
    "form_id",
    "currency",
    "device_category",
    "country",
    "platform",
    "transaction_id",
    "event_source",
    "event_medium",
    "event_campaign",
    "hostname",
)
STAGED_FIELDS = TEXT_FIELDS + NUMERIC_FIELDS
FIELD_PREFIXES = ("param:", "user_property:", "item:")
NUMERIC_ITEM_FIELDS = ("price", "quantity", "item_revenue_in_usd")
TEXT_ITEM_FIELDS = (
    "item_id",
    "item_name",
    "item_brand",
    "item_variant",
    "item_category",
    "item_category2",
    "item_category3",
    "item_category4",
    "item_category5",
    "coupon",
    "item_list_name",
    "promotion_name",
)
ITEM_FIELDS = TEXT_ITEM_FIELDS + NUMERIC_ITEM_FIELDS

# What an occurrence has besides its event: a derived conversion may count distinct values of it.
DISTINCT_COLUMNS = ("page_path", "event_name", "session_id", "conversion_date")
QUALITY_FIELDS = (
    "engaged_seconds_on_page",
    "percent_scrolled_on_page",
    "session_number",
    "seconds_since_session_start",
)
# Anchors that are no conversions.
FIRST_VISIT, PREVIOUS_CONVERSION = "first_visit", "previous_conversion"
ANCHORS = (FIRST_VISIT, PREVIOUS_CONVERSION)


@dataclass(frozen=True)
class Column:
    """One column of a seed.

    `allowed` are the words of a choice.
    `above` and `at_least` bound a number from below, exclusively and inclusively.
    """

    name: str
    kind: Kind = "text"
    required: bool = True
    allowed: tuple[str, ...] = ()
    above: int | None = None
    at_least: int | None = None


def _choice(name: str, *allowed: str, required: bool = True) -> Column:
    return Column(name, "choice", required, allowed)


SEEDS: dict[str, Sequence[Column]] = {
    "conversion_catalog": (
        Column("conversion_name", "name"),
        Column("label"),
        _choice("conversion_type", "macro", "micro", INGREDIENT),
        _choice("milestone_type", "process_milestone", "secondary_action"),
        _choice("funnel_stage", *STAGES),
        Column("supports", required=False),
        _choice("vertical", *VERTICALS),
        _choice("counting", "every_event", "once_per_session", "once_per_visitor"),
        Column("value_rule", "value_rule"),
        Column("lead_points", "number", at_least=0),
        Column("hypothesis", required=False),
    ),
    "conversion_rules": (
        Column("conversion_name"),
        Column("rule_group", "integer", at_least=1),
        Column("event_name"),
        Column("field", "field", required=False),
        _choice("operator", *OPERATORS, required=False),
        Column("value", required=False),
    ),
    "derived_conversions": (
        Column("conversion_name"),
        Column("requires"),
        Column("at_least", "integer", at_least=1),
        Column("distinct_by", "distinct_field", required=False),
        Column("within", "time_span", required=False),
        Column("anchor", required=False),
        _choice("role", "done", "not_done"),
        _choice("field", *QUALITY_FIELDS, required=False),
        _choice("operator", *NUMERIC_OPERATORS, required=False),
        Column("value", "number", required=False),
    ),
    "funnels": (
        Column("funnel_name", "name"),
        Column("label"),
        _choice("unit", "visitor", "session"),
        _choice("step_order", "ordered", "strict", "any"),
        _choice("entry", "closed", "open"),
        Column("window_hours", "number", above=0),
        Column("step_window_hours", "number", required=False, above=0),
        _choice("counting", "unique", "attempts"),
    ),
    "funnel_steps": (
        Column("funnel_name"),
        Column("step_number", "integer", at_least=1),
        Column("conversion_name"),
        _choice("role", "step", "optional", "exclusion"),
    ),
    "channel_groups": (
        Column("priority", "integer", at_least=0),
        Column("channel_group"),
        Column("source_pattern", "pattern", required=False),
        Column("medium_pattern", "pattern", required=False),
        Column("campaign_pattern", "pattern", required=False),
    ),
    "lead_score_weights": (
        Column("conversion_name"),
        Column("points", "number", at_least=0),
        Column("half_life_days", "number", required=False, above=0),
        Column("cap", "number", required=False, at_least=0),
        _choice("origin", "manual", "learned"),
        Column("fitted_on", "date", required=False),
    ),
    "lead_score_bands": (
        Column("conversion_name"),
        Column("horizon_days", "number", above=0),
        Column("score_from", "number", at_least=0),
        Column("score_to", "number", required=False, above=0),
        Column("probability_percent", "number", at_least=0),
        Column("probability_percent_low", "number", at_least=0),
        Column("probability_percent_high", "number", at_least=0),
        Column("subject_count", "integer", at_least=1),
        Column("fitted_on", "date"),
    ),
    "kpi_definitions": (
        Column("kpi_name", "name"),
        Column("label"),
        _choice("vertical", *VERTICALS),
        _choice("measure", "share", "mean", "distinct", "times", "mean_days"),
        _choice("unit", "session", "visitor", "occurrence"),
        Column("numerator"),
        Column("denominator"),
        Column("within_days", "integer", required=False, at_least=1),
        Column("benchmark_low", "number", required=False, at_least=0),
        Column("benchmark_high", "number", required=False, at_least=0),
        Column("act_below", "number", required=False, at_least=0),
        Column("source", required=False),
        Column("advice", required=False),
    ),
    "audience_moments": (
        Column("moment", "name"),
        Column("label"),
        Column("conversion_name"),
        _choice("role", "started", "finished"),
        Column("stall_hours", "number", above=0),
        Column("expire_days", "number", above=0),
    ),
    "feedback_events": (
        Column("feedback_name", "name"),
        Column("event_name"),
        Column("question_field", "event_field", required=False),
        Column("answer_field", "event_field", required=False),
        Column("rating_field", "event_field", required=False),
        Column("rating_min", "number", required=False),
        Column("rating_max", "number", required=False),
        Column("trigger_field", "event_field", required=False),
    ),
    "experiment_events": (
        Column("source_name", "name"),
        Column("event_name"),
        Column("experiment_field", "event_field", required=False),
        Column("variant_field", "event_field", required=False),
        Column("combined_field", "event_field", required=False),
    ),
    "experiment_variants": (
        Column("experiment_name"),
        Column("variant_name"),
        _choice("role", "control", "treatment"),
        Column("planned_weight", "number", above=0),
    ),
    "own_hostnames": (Column("hostname", "hostname"),),
    "annotations": (
        Column("annotation_date", "date"),
        Column("what_changed"),
        Column("where_changed", required=False),
    ),
}
