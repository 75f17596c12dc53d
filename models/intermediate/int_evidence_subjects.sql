{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "first_step_date", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

{%- set bot_page_views = var("bot_page_views") | int %}

with steps as (

    select * from {{ ref("int_clock_steps") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

sessions as (

    select * from {{ ref("int_sessions_attributed") }}
    where {{ is_evidence_traffic() }}
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

visits as (

    select
        {{ evidence_subject_id() }} as subject_id,
        sum(page_view_count) as page_view_count,
        sum(cast(round(engaged_seconds * 1000) as int64)) as engaged_msec,
        max(case when exclusion_reason is null then 0 else 1 end) = 1 as has_bot_session
    from sessions
    group by {{ evidence_subject_id() }}

),

subject_days as (

    select
        subject_id,
        step_date,
        count(*) as step_count,
        sum(case when next_step_timestamp - step_timestamp < 1000000 then 1 else 0 end) as hasty_step_count
    from steps
    group by subject_id, step_date

),

paces as (

    select
        subject_id,
        sum(step_count) as step_count,
        max(step_count) as busiest_day_step_count,
        sum(hasty_step_count) as hasty_step_count
    from subject_days
    group by subject_id

),

first_steps as (

    select * from steps
    where step_number = 1

),

int_evidence_subjects as (

    select
        first_steps.subject_id,
        first_steps.visitor_id,
        first_steps.step_date as first_step_date,
        first_steps.step_timestamp as first_step_timestamp,
        case
            when first_steps.user_first_touch_timestamp is null then first_sessions.is_new_visitor
            else
                first_steps.step_timestamp - first_steps.user_first_touch_timestamp between -60000000 and 60000000
        end as is_new_visitor,
        first_steps.device_category,
        first_steps.channel_group,
        first_steps.country,
        first_sessions.browser,
        cast({{ hash_bucket("first_steps.subject_id", var("evidence_buckets") | int) }} as int64) as bucket,
        cast(paces.step_count as int64) as step_count,
        cast(paces.busiest_day_step_count as int64) as busiest_day_step_count,
        -- Half of the gaps under a second is a median under a second.
        visits.has_bot_session
        or {{ is_inattentive("visits.page_view_count", "visits.engaged_msec") }}
        or (paces.step_count >= {{ bot_page_views }} and 2 * paces.hasty_step_count > paces.step_count - 1)
            as is_suspected_bot
    from first_steps
    inner join paces on first_steps.subject_id = paces.subject_id
    inner join visits on first_steps.subject_id = visits.subject_id
    inner join sessions as first_sessions on first_steps.session_id = first_sessions.session_id

)

select * from int_evidence_subjects
