{{
    config(
        cluster_by=bigquery_only(["week_start_date"]),
    )
}}

{%- set recency = var("stage_recency_days") | int %}
{#- So many weeks' ends lie within the recency of every day of a week; the one after them, of its last days only. #}
{%- set whole_weeks = recency // 7 %}
{%- set spare_days = recency % 7 %}
{%- set no_stage = "cast(null as int64)" %}
{%- set stages_by_week = ["stage_number"] * whole_weeks + ["late_stage_number", no_stage] %}
{%- set weeks_ahead = [] %}
{%- for stage in stages_by_week %}
    {%- do weeks_ahead.append({
        "week_end_date": add_days("active_week_end_date", 7 * loop.index0),
        "stage_number": stage,
        "previous_stage_number": no_stage if loop.first else stages_by_week[loop.index0 - 1],
        "first_seen": "first_seen" if loop.first else "0",
        "began": "began" if loop.first else "0",
        "is_active_week": "1" if loop.first else "0"
    }) %}
{%- endfor %}

with days as (

    select * from {{ ref("int_visitor_days_staged") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

export_days as (

    select * from {{ ref("int_export_days_counted") }}

),

stages as (

    select * from {{ ref("funnel_stages") }}

),

dated as (

    select
        visitor_id,
        stage_number,
        is_first_day,
        is_beginning,
        activity_date,
        {{ add_days(week_start("activity_date"), 6) }} as active_week_end_date
    from days

),

active_weeks as (

    select
        visitor_id,
        active_week_end_date,
        max(stage_number) as stage_number,
        max(case when activity_date > {{ add_days("active_week_end_date", -spare_days) }} then stage_number end)
            as late_stage_number,
        max(case when is_first_day then 1 else 0 end) as first_seen,
        max(case when is_first_day and is_beginning then 1 else 0 end) as began
    from dated
    group by visitor_id, active_week_end_date

),

weeks_in_sight as (

    {{ row_per_variant("active_weeks", ["visitor_id"], weeks_ahead) }}

),

loaded_weeks as (

    select distinct {{ add_days(week_start("export_days.event_date"), 6) }} as week_end_date
    from export_days
    cross join as_of
    where {{ week_start("export_days.event_date") }} >= as_of.first_date
        and {{ add_days(week_start("export_days.event_date"), 6) }} <= as_of.as_of_date

),

weeks as (

    select
        loaded_weeks.week_end_date,
        count(*) = {{ recency + 7 }} as is_history_loaded
    from loaded_weeks
    inner join export_days
        on {{ add_days("loaded_weeks.week_end_date", -(recency + 7)) }} < export_days.event_date
        and loaded_weeks.week_end_date >= export_days.event_date
    group by loaded_weeks.week_end_date

),

states as (

    -- Each visitor in each week of, or within sight of, a visit or conversion.
    select
        week_end_date,
        visitor_id,
        max(stage_number) as stage_number,
        max(previous_stage_number) as previous_stage_number,
        max(first_seen) as first_seen,
        max(began) as began
    from weeks_in_sight
    where stage_number is not null
        or previous_stage_number is not null
        or is_active_week = 1
    group by week_end_date, visitor_id

),

numbered_moves as (

    -- 0 stands for inactive, -1 for a new visitor and -2 for one who was known before the loaded days.
    select
        week_end_date,
        coalesce(stage_number, 0) as stage_number,
        case
            when began = 1 then -1
            when first_seen = 1 then -2
            else coalesce(previous_stage_number, 0)
        end as previous_stage_number
    from states

),

moves as (

    select
        week_end_date,
        stage_number,
        previous_stage_number,
        count(*) as visitor_count
    from numbered_moves
    group by week_end_date, stage_number, previous_stage_number

),

first_weeks as (

    select
        active_week_end_date as week_end_date,
        sum(first_seen) as visitor_count
    from active_weeks
    group by active_week_end_date

),

known as (

    select
        weeks.week_end_date,
        sum(first_weeks.visitor_count) as visitor_count
    from weeks
    inner join first_weeks on weeks.week_end_date > first_weeks.week_end_date
    group by weeks.week_end_date

),

in_sight as (

    select
        week_end_date,
        sum(visitor_count) as visitor_count
    from moves
    where previous_stage_number >= 0
    group by week_end_date

),

all_moves as (

    select
        week_end_date,
        stage_number,
        previous_stage_number,
        visitor_count
    from moves

    union all

    -- Whoever was seen before and is in sight neither now nor a week before stays inactive.
    select
        known.week_end_date,
        0 as stage_number,
        0 as previous_stage_number,
        known.visitor_count - coalesce(in_sight.visitor_count, 0) as visitor_count
    from known
    left join in_sight on known.week_end_date = in_sight.week_end_date

),

stage_names as (

    select
        stages.stage_number,
        {{ visitor_stage("stages") }} as visitor_stage
    from stages
    {%- for number, name in {0: "inactive", -1: "new", -2: "unknown"}.items() %}

    union all

    select
        {{ number }} as stage_number,
        '{{ name }}' as visitor_stage
    {%- endfor %}

),

flows as (

    select
        all_moves.week_end_date,
        weeks.is_history_loaded,
        stage_names.visitor_stage,
        previous_names.visitor_stage as previous_visitor_stage,
        cast(sum(all_moves.visitor_count) as int64) as visitor_count
    from all_moves
    inner join weeks on all_moves.week_end_date = weeks.week_end_date
    inner join stage_names on all_moves.stage_number = stage_names.stage_number
    inner join stage_names as previous_names on all_moves.previous_stage_number = previous_names.stage_number
    where all_moves.visitor_count > 0
    group by
        all_moves.week_end_date, weeks.is_history_loaded, stage_names.visitor_stage, previous_names.visitor_stage

),

totals as (

    select
        *,
        cast(sum(visitor_count) over (partition by week_end_date, visitor_stage) as int64) as stage_visitor_count,
        cast(sum(visitor_count) over (partition by week_end_date, previous_visitor_stage) as int64)
            as previous_stage_visitor_count
    from flows

),

mart_visitor_segments as (

    select
        {{ add_days("week_end_date", -6) }} as week_start_date,
        week_end_date,
        previous_visitor_stage,
        visitor_stage,
        visitor_count,
        stage_visitor_count,
        previous_stage_visitor_count,
{{ rate_columns("visitor_count", "previous_stage_visitor_count", "flow_rate") }},
        is_history_loaded
    from totals

)

select * from mart_visitor_segments
