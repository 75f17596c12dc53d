{{
    config(
        cluster_by=bigquery_only(["period_grain", "segment_dimension", "conversion_name"]),
    )
}}

{%- set dimensions = session_segments("sessions") | list %}
{%- set variants = period_variants("session_date", by_day="is_diagnosed") %}
{%- set bits = 60 %}
{%- set group_columns = ["grain_number", "period_start_date", "dimension_number", "segment_number"] %}

with sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

micro_conversions as (

    select * from {{ ref("fct_micro_conversions") }}

),

macro_conversions as (

    select * from {{ ref("fct_macro_conversions") }}

),

conversions as (

    -- Each conversion is a bit of a whole number, {{ bits }} to a block.
    select
        conversion_name,
        conversion_type,
        cast(floor((row_number() over (order by conversion_name) - 1) / {{ bits }}.0) as int64) as block_number,
        mod(row_number() over (order by conversion_name) - 1, {{ bits }}) as bit_number
    from {{ ref("dim_conversions") }}

),

blocks as (

    select distinct block_number
    from conversions

),

converting_sessions as (

    select
        session_id,
        conversion_name
    from micro_conversions
    where session_id is not null

    union distinct

    select
        session_id,
        conversion_name
    from macro_conversions
    where session_id is not null

),

conversions_of_sessions as (

    select
        converting_sessions.session_id,
        conversions.block_number,
        cast(sum(cast(1 as int64) << conversions.bit_number) as int64) as conversion_bits
    from converting_sessions
    inner join conversions on converting_sessions.conversion_name = conversions.conversion_name
    group by converting_sessions.session_id, conversions.block_number

),

visits as (

    -- Each session once, with all its conversions as bits: rows are repeated per segment, not per conversion.
    select
        blocks.block_number,
        coalesce(conversions_of_sessions.conversion_bits, 0) as conversion_bits,
        sessions.visitor_number,
        count(*) over (partition by sessions.visitor_number, blocks.block_number) = 1 as is_only_visit,
        sessions.session_date,
        {% for dimension in dimensions -%}
        sessions.{{ dimension }}_number{{ ", " if not loop.last }}
        {%- endfor %}
    from sessions
    cross join blocks
    left join conversions_of_sessions
        on sessions.session_id = conversions_of_sessions.session_id
        and blocks.block_number = conversions_of_sessions.block_number

),

visits_of_segments as (

    {{ row_per_variant("visits", ["block_number", "conversion_bits", "visitor_number", "is_only_visit"], variants) }}

),

visitors_of_segments as (

    -- Only who came again has visits to put together.
    select
        {{ group_columns | join(", ") }},
        block_number,
        visitor_number,
        bit_or(conversion_bits) as conversion_bits
    from visits_of_segments
    where not is_only_visit
    group by {{ group_columns | join(", ") }}, block_number, visitor_number

),

counts as (

    select
        {{ group_columns | join(", ") }},
        block_number,
        conversion_bits,
        count(*) as session_count,
        sum(case when is_only_visit then 1 else 0 end) as visitor_count
    from visits_of_segments
    group by {{ group_columns | join(", ") }}, block_number, conversion_bits

    union all

    select
        {{ group_columns | join(", ") }},
        block_number,
        conversion_bits,
        0 as session_count,
        count(*) as visitor_count
    from visitors_of_segments
    group by {{ group_columns | join(", ") }}, block_number, conversion_bits

),

counts_of_groups as (

    select
        {{ group_columns | join(", ") }},
        cast(sum(session_count) as int64) as session_count,
        cast(sum(visitor_count) as int64) as visitor_count
    from counts
    where block_number = 0
    group by {{ group_columns | join(", ") }}

),

converting_counts as (

    -- Only where the bit is set: most sessions did few of all conversions.
    select
        {% for column in group_columns -%}
        counts.{{ column }},
        {% endfor -%}
        conversions.conversion_name,
        cast(sum(counts.session_count) as int64) as session_count,
        cast(sum(counts.visitor_count) as int64) as visitor_count
    from counts
    inner join conversions
        on counts.block_number = conversions.block_number
        and ((counts.conversion_bits >> conversions.bit_number) & 1) = 1
    group by
        {% for column in group_columns -%}
        counts.{{ column }},
        {% endfor -%}
        conversions.conversion_name

),

counts_of_conversions as (

    select
        {% for column in group_columns -%}
        counts_of_groups.{{ column }},
        {% endfor -%}
        conversions.conversion_name,
        conversions.conversion_type,
        counts_of_groups.session_count,
        coalesce(converting_counts.session_count, 0) as converting_session_count,
        counts_of_groups.visitor_count,
        coalesce(converting_counts.visitor_count, 0) as converting_visitor_count
    from counts_of_groups
    cross join conversions
    left join converting_counts
        on counts_of_groups.grain_number = converting_counts.grain_number
        and coalesce(counts_of_groups.period_start_date, date '0001-01-01')
        = coalesce(converting_counts.period_start_date, date '0001-01-01')
        and counts_of_groups.dimension_number = converting_counts.dimension_number
        and counts_of_groups.segment_number = converting_counts.segment_number
        and conversions.conversion_name = converting_counts.conversion_name

),

{{ segment_names("sessions") }},

counted as (

    select
        counts_of_conversions.conversion_name,
        counts_of_conversions.conversion_type,
        {{ period_grain_name("counts_of_conversions.grain_number") }} as period_grain,
        counts_of_conversions.period_start_date,
        segment_names.segment_dimension,
        segment_names.segment_value,
        counts_of_conversions.session_count,
        counts_of_conversions.converting_session_count,
        counts_of_conversions.visitor_count,
        counts_of_conversions.converting_visitor_count
    from counts_of_conversions
    inner join segment_names
        on counts_of_conversions.dimension_number = segment_names.dimension_number
        and counts_of_conversions.segment_number = segment_names.segment_number

),

mart_segment_conversions as (

    select
        conversion_name,
        conversion_type,
        period_grain,
        period_start_date,
        segment_dimension,
        segment_value,
        session_count,
        converting_session_count,
{{ rate_columns("converting_session_count", "session_count", "session_conversion_rate") }},
        visitor_count,
        converting_visitor_count,
{{ rate_columns("converting_visitor_count", "visitor_count", "visitor_conversion_rate") }},
        session_count < {{ var("minimum_group_size") }} as is_below_minimum
    from counted

)

select * from mart_segment_conversions
