{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "step_date", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

{%- set is_by_day = var("evidence_clock") == "active_day" %}

with sessions as (

    select
        *,
        {{ evidence_subject_id() }} as subject_id
    from {{ ref("int_sessions_attributed") }}
    where {{ is_evidence_traffic() }}
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

clock_events as (

    select
        sessions.subject_id,
        sessions.visitor_id,
        sessions.session_id,
        clock_events.event_date as step_date,
        clock_events.event_timestamp,
        clock_events.user_first_touch_timestamp
    from {{ ref("int_clock_events") }} as clock_events
    inner join sessions on clock_events.session_id = sessions.session_id

),

moments as (

    -- Two devices of a visitor at the same moment are at the same step.
    select
        subject_id,
        min(visitor_id) as visitor_id,
        {% if is_by_day -%}
        {{ first_by("session_id", ["event_timestamp", "session_id"], "true") }} as session_id,
        {%- else -%}
        min(session_id) as session_id,
        {%- endif %}
        min(step_date) as step_date,
        min(event_timestamp) as step_timestamp,
        min(user_first_touch_timestamp) as user_first_touch_timestamp
    from clock_events
    group by subject_id, {{ "step_date" if is_by_day else "event_timestamp" }}

),

numbered_moments as (

    select
        *,
        row_number() over subject_steps as step_number,
        lead(step_timestamp) over subject_steps as next_step_timestamp
    from moments
    window subject_steps as (
        partition by subject_id
        order by step_timestamp
    )

),

int_clock_steps as (

    select
        moments.subject_id,
        moments.visitor_id,
        moments.session_id,
        moments.step_date,
        moments.step_timestamp,
        moments.next_step_timestamp,
        cast(moments.step_number as int64) as step_number,
        moments.user_first_touch_timestamp,
        coalesce(sessions.device_category, '(unknown)') as device_category,
        sessions.channel_group,
        coalesce(sessions.country, '(unknown)') as country
    from numbered_moments as moments
    inner join sessions on moments.session_id = sessions.session_id

)

select * from int_clock_steps
