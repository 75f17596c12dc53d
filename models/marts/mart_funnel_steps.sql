{{
    config(
        cluster_by=bigquery_only(["funnel_name", "period_grain", "segment_dimension"]),
    )
}}

{%- set dimensions = session_segments("sessions") %}
{%- set has_session = "entry_session_id is not null" %}

with attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

periods as (

    select
        attempts.*,
        'all' as period_grain,
        cast(null as date) as period_start_date
    from attempts

    union all

    select
        attempts.*,
        'week' as period_grain,
        {{ week_start("attempts.entry_date") }} as period_start_date
    from attempts

    union all

    select
        attempts.*,
        'day' as period_grain,
        attempts.entry_date as period_start_date
    from attempts

),

units as (

    -- A unit counts once a period: with the furthest step of its mature attempts, in the segment of its first
    -- one, which is known before the outcome. Without a mature attempt it stands apart as immature.
    select
        funnel_name,
        period_grain,
        period_start_date,
        unit_id,
        coalesce(max(case when is_mature then furthest_step end), 0) as furthest_step,
        case
            when max(case when is_mature then 1 else 0 end) = 1
                then {{ first_by("entry_session_id", ["attempt_number"], "is_mature and " ~ has_session) }}
            else {{ first_by("entry_session_id", ["attempt_number"], has_session) }}
        end as entry_session_id
    from periods
    group by funnel_name, period_grain, period_start_date, unit_id

),

counted_units as (

    select
        units.funnel_name,
        units.period_grain,
        units.period_start_date,
        units.furthest_step,
        {%- for dimension in dimensions %}
        coalesce(sessions.{{ dimension }}, '(unknown)') as {{ dimension }},
        {%- endfor %}
        cast(count(*) as int64) as unit_count
    from units
    left join sessions on units.entry_session_id = sessions.session_id
    group by
        units.funnel_name,
        units.period_grain,
        units.period_start_date,
        units.furthest_step
        {%- for dimension in dimensions %},
        coalesce(sessions.{{ dimension }}, '(unknown)')
        {%- endfor %}

),

segments as (

    select
        funnel_name,
        period_grain,
        period_start_date,
        'all' as segment_dimension,
        'all' as segment_value,
        furthest_step,
        unit_count
    from counted_units
    {%- for dimension in dimensions %}

    union all

    select
        funnel_name,
        period_grain,
        period_start_date,
        '{{ dimension }}' as segment_dimension,
        {{ dimension }} as segment_value,
        furthest_step,
        unit_count
    from counted_units
    {%- endfor %}

),

reached as (

    select
        segments.funnel_name,
        segments.period_grain,
        segments.period_start_date,
        segments.segment_dimension,
        segments.segment_value,
        funnel_steps.step_number,
        funnel_steps.conversion_name,
        cast(
            sum(case when segments.furthest_step >= funnel_steps.step_number then segments.unit_count else 0 end)
            as int64
        ) as reached_count,
        cast(
            sum(
                case
                    when segments.furthest_step >= greatest(funnel_steps.step_number - 1, 1) then segments.unit_count
                    else 0
                end
            ) as int64
        ) as previous_step_count,
        cast(sum(case when segments.furthest_step >= 1 then segments.unit_count else 0 end) as int64) as entered_count,
        cast(sum(case when segments.furthest_step = 0 then segments.unit_count else 0 end) as int64) as immature_count
    from segments
    inner join funnel_steps on segments.funnel_name = funnel_steps.funnel_name
    group by
        segments.funnel_name,
        segments.period_grain,
        segments.period_start_date,
        segments.segment_dimension,
        segments.segment_value,
        funnel_steps.step_number,
        funnel_steps.conversion_name

),

mart_funnel_steps as (

    select
        funnel_name,
        period_grain,
        period_start_date,
        segment_dimension,
        segment_value,
        step_number,
        conversion_name,
        reached_count,
        previous_step_count,
        entered_count,
{{ rate_columns("reached_count", "previous_step_count", "step_conversion_rate") }},
{{ rate_columns("reached_count", "entered_count", "funnel_conversion_rate") }},
        previous_step_count - reached_count as drop_off_count,
        immature_count
    from reached

)

select * from mart_funnel_steps
