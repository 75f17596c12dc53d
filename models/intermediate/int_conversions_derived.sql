{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        cluster_by=bigquery_only(["conversion_name", "visitor_id"]),
    )
}}

{%- set levels = var("max_derivation_levels") | int %}
-- depends_on: {{ ref("int_visitors_changed") }}

with required as (

    select * from {{ ref("int_conversions_required") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

requirements as (

    select * from {{ ref("int_requirements_leveled") }}

),

known_0 as (

    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        conversion_event_id as completing_conversion_event_id,
        event_id,
        event_name,
        session_id,
        event_timestamp,
        event_order,
        event_date,
        session_number,
        session_started_timestamp,
        session_ended_timestamp,
        first_visit_timestamp,
        page_path,
        engaged_seconds_on_page,
        percent_scrolled_on_page,
        distinct_values
    from required

),

{% for level in range(1, levels + 1) %}
{{ derived_level(level, "known_" ~ (level - 1)) }},
{% if level < levels %}
{{ known_after(level, "known_" ~ (level - 1)) }},
{% endif %}
{%- endfor %}

int_conversions_derived as (

    {% for level in range(1, levels + 1) -%}
    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        completing_conversion_event_id,
        completed_timestamp,
        completed_date
    from completed_{{ level }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from int_conversions_derived
