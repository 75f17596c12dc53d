{#- A scalar query: one text that changes whenever a list that facts are derived from changes (catalog,
    rules, channel groups, hostnames, funnels), a var they use, or the project itself. -#}
{% macro definitions_version() -%}
    select
        {{ md5_hex(
            "string_agg(list_name || '=' || row_text, ';' order by list_name, row_text)"
            ~ " || '" ~ definition_scalars() ~ "'"
        ) }} as definitions_version
    from (
        {%- for list_name, columns in definition_lists().items() %}
        select
            '{{ list_name }}' as list_name,
            {% for column in columns -%}
            coalesce(cast(listed.{{ column }} as {{ dbt.type_string() }}), ''){{ " || '|' || " if not loop.last }}
            {%- endfor %} as row_text
        from {{ ref(list_name) }} as listed
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as definitions
{%- endmacro %}

{#- The seeds that facts are derived from, with the columns that matter to them. -#}
{% macro definition_lists() %}
    {{- return({
        "conversion_catalog": [
            "conversion_name", "conversion_type", "funnel_stage", "counting", "value_rule"
        ],
        "funnel_stages": ["funnel_stage", "stage_number"],
        "conversion_rules": [
            "conversion_name", "rule_group", "event_name", "field", "operator", "value"
        ],
        "derived_conversions": [
            "conversion_name", "requires", "at_least", "distinct_by", "within", "anchor", "role", "field",
            "operator", "value"
        ],
        "channel_groups": [
            "priority", "channel_group", "source_pattern", "medium_pattern", "campaign_pattern"
        ],
        "own_hostnames": ["hostname"],
        "feedback_events": [
            "feedback_name", "event_name", "question_field", "answer_field", "rating_field", "rating_min",
            "rating_max", "trigger_field"
        ],
        "experiment_events": [
            "source_name", "event_name", "experiment_field", "variant_field", "combined_field"
        ],
        "funnels": [
            "funnel_name", "unit", "step_order", "entry", "window_hours", "step_window_hours", "counting"
        ],
        "funnel_steps": ["funnel_name", "step_number", "conversion_name", "role"]
    }) -}}
{% endmacro %}

{% macro definition_scalars() -%}
    {{- [
        var("property_time_zone"), var("bot_page_views"), var("max_funnel_steps"), var("user_id_salt"),
        var("max_derivation_levels"), var("session_timeout_minutes"),
        var("evidence_subject"), var("evidence_clock"), var("evidence_horizon_days"), var("evidence_buckets"),
        var("feedback_answer_length"),
        project_version()
    ] | join("|") | replace("'", "") -}}
{%- endmacro %}

{#- Raised whenever the SQL of an incremental fact changes what its rows say, so that an upgrade re-derives
    history from staged events by itself; tests/python/test_versions.py watches. -#}
{% macro project_version() %}{{ return("6") }}{% endmacro %}
