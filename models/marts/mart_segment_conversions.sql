{{
    config(
        cluster_by=bigquery_only(["period_grain", "segment_dimension", "conversion_name"]),
    )
}}

{%- set dimensions = session_segments("sessions") | list %}
{%- set base = var("largest_segments") | int + 2 %}
{%- set grains = ["all", "week", "day"] %}
{%- set period_starts = ["cast(null as date)", week_start("session_date"), "session_date"] %}

{#- Dimensions by number: 0 is all sessions, then each by itself, then pairs. Numbers are grouped, texts joined. -#}
{%- set segments = [{"name": "all", "number": "0"}] %}
{%- for dimension in dimensions %}
    {%- do segments.append({"name": dimension, "number": dimension ~ "_number"}) %}
{%- endfor %}
{%- set pairs = [] %}
{%- for first in dimensions %}
    {%- for second in dimensions if first < second %}
        {%- do pairs.append([first, second]) %}
        {%- do segments.append({
            "name": first ~ " x " ~ second, "number": first ~ "_number * " ~ base ~ " + " ~ second ~ "_number"
        }) %}
    {%- endfor %}
{%- endfor %}

{#- By week without pairs, by day in the two dimensions that alerts look at. -#}
{%- set variants = [] %}
{%- for segment in segments %}
    {%- for grain in grains
        if grain == "all" or (grain == "week" and " x " not in segment["name"])
        or segment["name"] in ("all", "device_category", "channel_group") %}
        {%- do variants.append({
            "grain_number": grains.index(grain),
            "period_start_date": period_starts[grains.index(grain)],
            "dimension_number": segments.index(segment),
            "segment_number": segment["number"]
        }) %}
    {%- endfor %}
{%- endfor %}
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

    select
        conversion_name,
        conversion_type,
        row_number() over (order by conversion_name) as conversion_number
    from {{ ref("dim_conversions") }}

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

visits as (

    -- Each session once as a base (number 0) and once per conversion in it.
    select
        0 as conversion_number,
        visitor_number,
        session_date,
        {{ dimensions | join("_number, ") }}_number
    from sessions

    union all

    select
        conversions.conversion_number,
        sessions.visitor_number,
        sessions.session_date,
        {% for dimension in dimensions -%}
        sessions.{{ dimension }}_number{{ ", " if not loop.last }}
        {%- endfor %}
    from converting_sessions
    inner join conversions on converting_sessions.conversion_name = conversions.conversion_name
    inner join sessions on converting_sessions.session_id = sessions.session_id

),

visits_of_segments as (

    {{ row_per_variant("visits", ["conversion_number", "visitor_number"], variants) }}

),

counts as (

    select
        {{ group_columns | join(", ") }},
        conversion_number,
        cast(count(*) as int64) as session_count,
        cast(count(distinct visitor_number) as int64) as visitor_count
    from visits_of_segments
    group by {{ group_columns | join(", ") }}, conversion_number

),

{%- for dimension in dimensions %}

names_of_{{ dimension }} as (

    select
        {{ dimension }}_number as value_number,
        min({{ dimension }}) as value_name
    from sessions
    group by {{ dimension }}_number

),
{%- endfor %}

segment_names as (

    select
        0 as dimension_number,
        0 as segment_number,
        'all' as segment_dimension,
        'all' as segment_value
    {%- for dimension in dimensions %}

    union all

    select
        {{ loop.index }} as dimension_number,
        value_number as segment_number,
        '{{ dimension }}' as segment_dimension,
        value_name as segment_value
    from names_of_{{ dimension }}
    {%- endfor %}
    {%- for first, second in pairs %}

    union all

    select
        {{ dimensions | length + loop.index }} as dimension_number,
        first_names.value_number * {{ base }} + second_names.value_number as segment_number,
        '{{ first }} x {{ second }}' as segment_dimension,
        first_names.value_name || ' x ' || second_names.value_name as segment_value
    from names_of_{{ first }} as first_names
    cross join names_of_{{ second }} as second_names
    {%- endfor %}

),

counted as (

    select
        conversions.conversion_name,
        conversions.conversion_type,
        case bases.grain_number when 0 then 'all' when 1 then 'week' else 'day' end as period_grain,
        bases.period_start_date,
        segment_names.segment_dimension,
        segment_names.segment_value,
        bases.session_count,
        coalesce(converted.session_count, 0) as converting_session_count,
        bases.visitor_count,
        coalesce(converted.visitor_count, 0) as converting_visitor_count
    from counts as bases
    inner join segment_names
        on bases.dimension_number = segment_names.dimension_number
        and bases.segment_number = segment_names.segment_number
    cross join conversions
    left join counts as converted
        on conversions.conversion_number = converted.conversion_number
        and bases.grain_number = converted.grain_number
        and coalesce(bases.period_start_date, date '0001-01-01')
        = coalesce(converted.period_start_date, date '0001-01-01')
        and bases.dimension_number = converted.dimension_number
        and bases.segment_number = converted.segment_number
    where bases.conversion_number = 0

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
