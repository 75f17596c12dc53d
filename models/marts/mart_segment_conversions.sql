{%- set dimensions = session_segments("sessions") %}
{%- set pairs = [] %}
{%- for first in dimensions %}
    {%- for second in dimensions if first < second %}
        {%- do pairs.append([first, second]) %}
    {%- endfor %}
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

session_segments as (

    select
        session_id,
        visitor_id,
        session_date,
        'all' as segment_dimension,
        'all' as segment_value
    from sessions
    {%- for dimension in dimensions %}

    union all

    select
        session_id,
        visitor_id,
        session_date,
        '{{ dimension }}' as segment_dimension,
        {{ dimension }} as segment_value
    from sessions
    {%- endfor %}

),

crossed_segments as (

    {%- for first, second in pairs %}
    select
        session_id,
        visitor_id,
        '{{ first }} x {{ second }}' as segment_dimension,
        {{ first }} || ' x ' || {{ second }} as segment_value
    from sessions
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

segments_of_periods as (

    select
        session_id,
        visitor_id,
        'all' as period_grain,
        cast(null as date) as period_start_date,
        segment_dimension,
        segment_value
    from session_segments

    union all

    select
        session_id,
        visitor_id,
        'all' as period_grain,
        cast(null as date) as period_start_date,
        segment_dimension,
        segment_value
    from crossed_segments

    union all

    select
        session_id,
        visitor_id,
        'week' as period_grain,
        {{ week_start("session_date") }} as period_start_date,
        segment_dimension,
        segment_value
    from session_segments

    union all

    select
        session_id,
        visitor_id,
        'day' as period_grain,
        session_date as period_start_date,
        segment_dimension,
        segment_value
    from session_segments
    where segment_dimension in ('all', 'device_category', 'channel_group')

),

bases as (

    select
        period_grain,
        period_start_date,
        segment_dimension,
        segment_value,
        cast(count(*) as int64) as session_count,
        cast(count(distinct visitor_id) as int64) as visitor_count
    from segments_of_periods
    group by period_grain, period_start_date, segment_dimension, segment_value

),

converting_sessions as (

    select distinct
        session_id,
        conversion_name
    from micro_conversions
    where session_id is not null

    union distinct

    select distinct
        session_id,
        conversion_name
    from macro_conversions
    where session_id is not null

),

converted as (

    select
        segments_of_periods.period_grain,
        segments_of_periods.period_start_date,
        segments_of_periods.segment_dimension,
        segments_of_periods.segment_value,
        converting_sessions.conversion_name,
        cast(count(*) as int64) as converting_session_count,
        cast(count(distinct segments_of_periods.visitor_id) as int64) as converting_visitor_count
    from segments_of_periods
    inner join converting_sessions on segments_of_periods.session_id = converting_sessions.session_id
    group by
        segments_of_periods.period_grain,
        segments_of_periods.period_start_date,
        segments_of_periods.segment_dimension,
        segments_of_periods.segment_value,
        converting_sessions.conversion_name

),

counted as (

    select
        conversions.conversion_name,
        conversions.conversion_type,
        bases.period_grain,
        bases.period_start_date,
        bases.segment_dimension,
        bases.segment_value,
        bases.session_count,
        coalesce(converted.converting_session_count, 0) as converting_session_count,
        bases.visitor_count,
        coalesce(converted.converting_visitor_count, 0) as converting_visitor_count
    from bases
    cross join conversions
    left join converted
        on bases.period_grain = converted.period_grain
        and coalesce(bases.period_start_date, date '0001-01-01')
        = coalesce(converted.period_start_date, date '0001-01-01')
        and bases.segment_dimension = converted.segment_dimension
        and bases.segment_value = converted.segment_value
        and conversions.conversion_name = converted.conversion_name

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
