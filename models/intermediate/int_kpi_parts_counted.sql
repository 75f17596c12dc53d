{{
    config(
        cluster_by=bigquery_only(["kpi_name"]),
    )
}}

{%- set dimensions = session_segments("sessions") | list %}
{%- set cell = ["grain_number", "period_start_date", "dimension_number", "segment_number"] %}
{%- set unit_columns = ["kpi_name", "bucket_number", "is_mature", "is_base", "measured_millionths"] %}

with definitions as (

    select
        *,
        unit = 'session' and (denominator = 'all' or measure = 'times') as has_all_sessions
    from {{ ref("kpi_definitions") }}

),

sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

{{ unknown_numbers("sessions") }},

units as (

    select
        units.*,
        {%- for dimension in dimensions %}
        coalesce(sessions.{{ dimension }}_number, unknown_numbers.{{ dimension }}_number) as {{ dimension }}_number
        {{- "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_kpi_units_measured") }} as units
    cross join unknown_numbers
    left join sessions on units.session_id = sessions.session_id

),

units_of_segments as (

    {{ row_per_variant("units", unit_columns, period_variants("unit_date", has_pairs=false)) }}

),

sessions_in_buckets as (

    select
        {{ bucket_of_visitor_number("visitor_number") }} as bucket_number,
        session_date,
        {{ dimensions | join("_number, ") }}_number
    from sessions

),

sessions_of_segments as (

    {{ row_per_variant("sessions_in_buckets", ["bucket_number"], period_variants("session_date", has_pairs=false)) }}

),

sessions_counted as (

    select
        {{ cell | join(", ") }},
        bucket_number,
        count(*) as session_count
    from sessions_of_segments
    group by {{ cell | join(", ") }}, bucket_number

),

parts as (

    select
        kpi_name,
        {{ cell | join(", ") }},
        bucket_number,
        case when is_base and is_mature then 1 else 0 end as base_count,
        case when is_base and is_mature then measured_millionths else 0 end as base_millionths,
        case when is_base then 0 else measured_millionths end as other_millionths,
        case when is_mature then 0 else 1 end as immature_count,
        0 as all_count
    from units_of_segments

    union all

    select
        definitions.kpi_name,
        {%- for column in cell %}
        sessions_counted.{{ column }},
        {%- endfor %}
        sessions_counted.bucket_number,
        0 as base_count,
        0 as base_millionths,
        0 as other_millionths,
        0 as immature_count,
        sessions_counted.session_count as all_count
    from sessions_counted
    cross join definitions
    where definitions.has_all_sessions

    union all

    -- A KPI is there also when nothing of it happened.
    select
        kpi_name,
        0 as grain_number,
        cast(null as date) as period_start_date,
        0 as dimension_number,
        0 as segment_number,
        0 as bucket_number,
        0 as base_count,
        0 as base_millionths,
        0 as other_millionths,
        0 as immature_count,
        0 as all_count
    from definitions

),

int_kpi_parts_counted as (

    select
        kpi_name,
        {{ cell | join(", ") }},
        bucket_number,
        {%- for count in ["base_count", "base_millionths", "other_millionths", "immature_count", "all_count"] %}
        cast(sum({{ count }}) as int64) as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from parts
    group by kpi_name, {{ cell | join(", ") }}, bucket_number

)

select * from int_kpi_parts_counted
