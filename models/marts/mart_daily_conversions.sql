{{
    config(
        partition_by=bigquery_only({"field": "conversion_date", "data_type": "date"}),
        cluster_by=bigquery_only(["segment_dimension", "conversion_name"]),
    )
}}

{%- set dimensions = ["device_category", "channel_group", "visitor_type"] %}
{%- set variants = [{"segment_dimension": "'all'", "segment_value": "'all'"}] %}
{%- for dimension in dimensions %}
    {%- do variants.append({"segment_dimension": "'" ~ dimension ~ "'", "segment_value": dimension}) %}
{%- endfor %}

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

    select * from {{ ref("dim_conversions") }}

),

requirements as (

    select * from {{ ref("int_requirements_leveled") }}

),

export_days as (

    select * from {{ ref("int_export_days_counted") }}

),

occurrences as (

    select
        conversion_name,
        conversion_date,
        visitor_id,
        session_id,
        value_usd,
        cast(null as {{ type_float64() }}) as revenue_usd,
        cast(null as {{ type_float64() }}) as net_revenue_usd
    from micro_conversions
    where exclusion_reason is null

    union all

    select
        conversion_name,
        conversion_date,
        visitor_id,
        session_id,
        value_usd,
        revenue_usd,
        net_revenue_usd
    from macro_conversions
    where exclusion_reason is null

),

session_occurrences as (

    -- What one session did on one day is one row, before rows are repeated for every dimension.
    select
        conversion_name,
        conversion_date,
        visitor_id,
        session_id,
        cast(count(*) as int64) as conversion_count,
        {{ exact_sum("value_usd") }} as value_usd,
        {{ exact_sum("revenue_usd") }} as revenue_usd,
        {{ exact_sum("net_revenue_usd") }} as net_revenue_usd
    from occurrences
    group by conversion_name, conversion_date, visitor_id, session_id

),

located_occurrences as (

    select
        session_occurrences.*,
        {%- for dimension in dimensions %}
        coalesce(sessions.{{ dimension }}, '(unknown)') as {{ dimension }}{{ "," if not loop.last }}
        {%- endfor %}
    from session_occurrences
    left join sessions on session_occurrences.session_id = sessions.session_id

),

segmented_occurrences as (

    {{ row_per_variant("located_occurrences", [
        "conversion_name", "conversion_date", "visitor_id", "session_id", "conversion_count", "value_usd",
        "revenue_usd", "net_revenue_usd"
    ], variants) }}

),

segmented_sessions as (

    select
        session_date as activity_date,
        'all' as segment_dimension,
        'all' as segment_value,
        cast(count(*) as int64) as session_count,
        cast(count(distinct visitor_number) as int64) as visitor_count
    from sessions
    group by session_date
    {%- for dimension in dimensions %}

    union all

    select
        session_date as activity_date,
        '{{ dimension }}' as segment_dimension,
        {{ dimension }} as segment_value,
        cast(count(*) as int64) as session_count,
        cast(count(distinct visitor_number) as int64) as visitor_count
    from sessions
    group by session_date, {{ dimension }}
    {%- endfor %}

),

counted as (

    select
        conversion_name,
        conversion_date as activity_date,
        segment_dimension,
        segment_value,
        cast(sum(conversion_count) as int64) as conversion_count,
        cast(sum(case when visitor_id is null then conversion_count else 0 end) as int64)
            as consentless_conversion_count,
        cast(count(session_id) as int64) as converting_session_count,
        cast(count(distinct visitor_id) as int64) as converting_visitor_count,
        {{ exact_sum("value_usd") }} as value_usd,
        {{ exact_sum("revenue_usd") }} as revenue_usd,
        {{ exact_sum("net_revenue_usd") }} as net_revenue_usd
    from segmented_occurrences
    group by conversion_name, conversion_date, segment_dimension, segment_value

),

spine as (

    -- Every conversion on every loaded day, also with no occurrence: a gap of zeros is an outage to be seen.
    select
        conversions.conversion_name,
        conversions.conversion_type,
        export_days.event_date as activity_date,
        export_days.is_final,
        'all' as segment_dimension,
        'all' as segment_value
    from conversions
    cross join export_days

    union distinct

    select
        conversions.conversion_name,
        conversions.conversion_type,
        segmented_sessions.activity_date,
        export_days.is_final,
        segmented_sessions.segment_dimension,
        segmented_sessions.segment_value
    from conversions
    cross join segmented_sessions
    inner join export_days on segmented_sessions.activity_date = export_days.event_date

    union distinct

    -- What was not done in time has the date of that time, which may be a day that is not loaded.
    select
        conversions.conversion_name,
        conversions.conversion_type,
        counted.activity_date,
        coalesce(export_days.is_final, false) as is_final,
        counted.segment_dimension,
        counted.segment_value
    from counted
    inner join conversions on counted.conversion_name = conversions.conversion_name
    left join export_days on counted.activity_date = export_days.event_date

),

loaded_days as (

    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from export_days

),

longer_windows as (

    select
        conversion_name,
        cast(ceil(max(coalesce(window_micros, 0)) / 86400000000.0) as int64) as window_days
    from requirements
    where not is_within_session
    group by conversion_name

),

first_counts as (

    select
        conversion_name,
        min(activity_date) as first_date
    from counted
    where segment_dimension = 'all'
    group by conversion_name

),

first_days as (

    -- From when on a conversion that is made of several visits can be told from one that had no time yet.
    select
        longer_windows.conversion_name,
        greatest(
            {{ add_days("loaded_days.first_date", "longer_windows.window_days") }},
            coalesce(first_counts.first_date, {{ add_days("loaded_days.last_date", 1) }})
        ) as first_date
    from longer_windows
    cross join loaded_days
    left join first_counts on longer_windows.conversion_name = first_counts.conversion_name

),

mart_daily_conversions as (

    select
        spine.activity_date as conversion_date,
        spine.conversion_name,
        spine.conversion_type,
        spine.segment_dimension,
        spine.segment_value,
        coalesce(counted.conversion_count, 0) as conversion_count,
        coalesce(counted.consentless_conversion_count, 0) as consentless_conversion_count,
        coalesce(counted.converting_session_count, 0) as converting_session_count,
        coalesce(segmented_sessions.session_count, 0) as session_count,
        coalesce(counted.converting_visitor_count, 0) as converting_visitor_count,
        coalesce(segmented_sessions.visitor_count, 0) as visitor_count,
        coalesce(counted.value_usd, 0) as value_usd,
        coalesce(counted.revenue_usd, 0) as revenue_usd,
        coalesce(counted.net_revenue_usd, 0) as net_revenue_usd,
        spine.is_final,
        coalesce(spine.activity_date < first_days.first_date, false) as is_ramp_up
    from spine
    left join first_days on spine.conversion_name = first_days.conversion_name
    left join counted
        on spine.conversion_name = counted.conversion_name
        and spine.activity_date = counted.activity_date
        and spine.segment_dimension = counted.segment_dimension
        and spine.segment_value = counted.segment_value
    left join segmented_sessions
        on spine.activity_date = segmented_sessions.activity_date
        and spine.segment_dimension = segmented_sessions.segment_dimension
        and spine.segment_value = segmented_sessions.segment_value

)

select * from mart_daily_conversions
