{{
    config(
        cluster_by=bigquery_only(["moment", "visitor_id"]),
    )
}}

with visitor_moments as (

    select * from {{ ref("int_visitor_moments_gathered") }}

),

moments as (

    select distinct
        moment,
        label,
        stall_micros,
        expire_micros,
        is_listed
    from {{ ref("dim_audience_moments") }}

),

visitors as (

    select * from {{ ref("dim_visitors") }}
    where not is_excluded

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null
        and visitor_id is not null

),

sessions as (

    select * from {{ ref("fct_sessions") }}

),

scores as (

    select * from {{ ref("mart_lead_scores") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

stalled as (

    -- What ends a moment in the microsecond of its beginning ends it.
    select
        visitor_moments.visitor_id,
        visitor_moments.moment,
        moments.label,
        moments.is_listed,
        visitor_moments.last_started_timestamp,
        as_of.as_of_timestamp - visitor_moments.last_started_timestamp as micros_stalled
    from visitor_moments
    inner join moments on visitor_moments.moment = moments.moment
    cross join as_of
    where not visitor_moments.is_finished_for_good
        and coalesce(visitor_moments.last_finished_timestamp < visitor_moments.last_started_timestamp, true)
        and as_of.as_of_timestamp - visitor_moments.last_started_timestamp
        between moments.stall_micros and moments.expire_micros

),

stalled_visitors as (

    select distinct visitor_id
    from stalled

),

last_actions as (

    select
        conversions.visitor_id,
        {{ last_by(
            "conversions.conversion_name",
            ["conversions.event_timestamp", "conversions.event_order", "conversions.conversion_event_id"], "true"
        ) }} as last_conversion_name
    from conversions
    inner join stalled_visitors on conversions.visitor_id = stalled_visitors.visitor_id
    group by conversions.visitor_id

),

last_devices as (

    select
        sessions.visitor_id,
        {{ last_by("sessions.user_pseudo_id", ["sessions.started_at", "sessions.session_id"], "true") }}
            as user_pseudo_id,
        {{ last_by("coalesce(sessions.platform, 'WEB')", ["sessions.started_at", "sessions.session_id"], "true") }}
            as platform
    from sessions
    inner join stalled_visitors on sessions.visitor_id = stalled_visitors.visitor_id
    group by sessions.visitor_id

),

mart_stalled_visitors as (

    select
        stalled.visitor_id,
        stalled.moment,
        stalled.label,
        stalled.is_listed,
        {{ timestamp_from_micros("stalled.last_started_timestamp") }} as stalled_at,
        stalled.micros_stalled / 86400000000.0 as days_stalled,
        last_actions.last_conversion_name,
        visitors.last_seen_at as last_activity_at,
        visitors.funnel_stage,
        scores.lead_score,
        scores.score_decile,
        last_devices.user_pseudo_id,
        last_devices.platform,
        visitors.has_consent,
        visitors.has_ads_consent
    from stalled
    inner join visitors on stalled.visitor_id = visitors.visitor_id
    left join scores on stalled.visitor_id = scores.visitor_id
    left join last_actions on stalled.visitor_id = last_actions.visitor_id
    left join last_devices on stalled.visitor_id = last_devices.visitor_id

)

select * from mart_stalled_visitors
