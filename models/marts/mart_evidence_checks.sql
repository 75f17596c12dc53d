with {{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_subjects() }},

{{ evidence_firsts() }},

{{ evidence_points() }},

{{ evidence_macros() }},

counted_subjects as (

    select
        count(*) as subject_count,
        sum(case when is_bot then 1 else 0 end) as bot_subject_count,
        sum(case when not is_bot and browser in ('Safari', 'Safari (in-app)') then 1 else 0 end)
            as safari_subject_count
    from known_subjects

),

counted_events as (

    select
        sum(days.accepted_count) as event_count,
        sum(days.consentless_count) as consentless_event_count
    from {{ ref("int_export_days_counted") }} as days
    cross join evidence_window
    where days.event_date <= evidence_window.as_of_date

),

points as (

    -- Counted here and not taken from mart_decision_points, so that this compiles by itself for another as-of.
    select
        macro_name,
        count(*) as decision_count,
        sum(case when is_followed and is_converting = 0 then 1 else 0 end) as followed_decision_count
    from known_points
    where not is_bot
    group by macro_name

),

counted_macros as (

    select
        first_macros.macro_name,
        count(*) as first_macro_count
    from first_macros
    inner join known_subjects on first_macros.subject_id = known_subjects.subject_id
    cross join evidence_window
    where not known_subjects.is_bot
        and first_macros.macro_timestamp >= evidence_window.window_start
    group by first_macros.macro_name

),

orders as (

    -- What a macro-conversion is worth on average, where it is worth something.
    select
        conversions.conversion_name as macro_name,
        count(conversions.value_usd) as order_count,
        {{ exact_sum("conversions.value_usd") }} as order_value_usd,
        sum(case when conversions.visitor_id is null then 1 else 0 end) as consentless_macro_count
    from {{ ref("int_conversions_counted") }} as conversions
    cross join evidence_window
    where conversions.conversion_type = 'macro'
        and conversions.is_counted
        and conversions.exclusion_reason is null
        and conversions.event_timestamp < evidence_window.as_of_timestamp
    group by conversions.conversion_name

),

definitions as (

    {{ definitions_version() }}

),

mart_evidence_checks as (

    select
        evidence_macros.macro_name,
        evidence_window.as_of_date,
        evidence_window.window_start_date,
        evidence_window.third_start_date,
        '{{ var("evidence_subject") }}' as subject,
        '{{ var("evidence_clock") }}' as clock,
        cast({{ var("evidence_horizon_days") | int }} as int64) as horizon_days,
        cast({{ var("evidence_landmark_days") | int }} as int64) as landmark_days,
        cast({{ var("evidence_lookback_days") | int }} as int64) as lookback_days,
        {{ var("evidence_lookback_days") | int }} - evidence_window.washout_days as missing_lookback_days,
        '{{ var("evidence_dimensions") | join(", ") }}' as dimensions,
        cast(counted_subjects.subject_count as int64) as subject_count,
        cast(coalesce(counted_subjects.bot_subject_count, 0) as int64) as bot_subject_count,
        cast(coalesce(counted_subjects.safari_subject_count, 0) as int64) as safari_subject_count,
        cast(coalesce(counted_events.event_count, 0) as int64) as event_count,
        cast(coalesce(counted_events.consentless_event_count, 0) as int64) as consentless_event_count,
        cast(coalesce(orders.consentless_macro_count, 0) as int64) as consentless_macro_count,
        cast(coalesce(points.decision_count, 0) as int64) as decision_count,
        cast(coalesce(points.followed_decision_count, 0) as int64) as followed_decision_count,
        cast(coalesce(counted_macros.first_macro_count, 0) as int64) as first_macro_count,
        cast(coalesce(orders.order_count, 0) as int64) as order_count,
        case when orders.order_count > 0 then orders.order_value_usd / orders.order_count end as mean_order_value_usd,
        definitions.definitions_version
    from evidence_macros
    cross join evidence_window
    cross join counted_subjects
    cross join counted_events
    cross join definitions
    left join points on evidence_macros.macro_name = points.macro_name
    left join counted_macros on evidence_macros.macro_name = counted_macros.macro_name
    left join orders on evidence_macros.macro_name = orders.macro_name

)

select * from mart_evidence_checks
