{%- set day = 86400000000 %}
{%- set landmark = (var("evidence_landmark_days") | int) * day %}
{%- set horizon = (var("evidence_horizon_days") | int) * day %}
{%- set stratum = ["device_category", "channel_group", "country", "is_new_visitor"] %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_subjects() }},

{{ evidence_firsts() }},

{{ evidence_conversions() }},

{{ evidence_macros() }},

{{ known_sales() }},

followed_subjects as (

    select
        subjects.subject_id,
        subjects.first_step_timestamp + {{ landmark }} as landmark_timestamp,
        subjects.first_step_timestamp + {{ landmark + horizon }} as end_timestamp,
        {{ evidence_dimensions("subjects") }},
        subjects.is_new_visitor
    from known_subjects as subjects
    cross join evidence_window
    where not subjects.is_bot
        and subjects.first_step_timestamp >= evidence_window.window_start
        and subjects.first_step_timestamp + {{ landmark + horizon }} <= evidence_window.as_of_timestamp

),

early_micros as (

    select
        subjects.subject_id,
        sum(evidence_micros.micro_bit) >> {{ placebo_shares() | length }} as done_mask
    from followed_subjects as subjects
    inner join known_firsts as firsts on subjects.subject_id = firsts.subject_id
    inner join evidence_micros on firsts.conversion_name = evidence_micros.micro_name
    where firsts.first_timestamp < subjects.landmark_timestamp
        and not evidence_micros.is_placebo
    group by subjects.subject_id

),

macro_subjects as (

    select
        subjects.subject_id,
        first_macros.macro_name,
        first_macros.macro_timestamp <= subjects.landmark_timestamp as is_early,
        first_macros.macro_timestamp <= subjects.end_timestamp as is_in_time
    from followed_subjects as subjects
    inner join first_macros on subjects.subject_id = first_macros.subject_id

),

sales as (

    select
        subjects.subject_id,
        known_sales.macro_name,
        sum(known_sales.value_micros) as value_micros
    from followed_subjects as subjects
    inner join known_sales on subjects.subject_id = known_sales.subject_id
    where known_sales.event_timestamp > subjects.landmark_timestamp
        and known_sales.event_timestamp <= subjects.end_timestamp
    group by subjects.subject_id, known_sales.macro_name

),

outcomes as (

    select
        evidence_macros.macro_name,
        subjects.{{ stratum | join(", subjects.") }},
        coalesce(early_micros.done_mask, 0) as done_mask,
        case when macro_subjects.is_in_time then 1 else 0 end as is_converted,
        coalesce(sales.value_micros, 0) as value_micros
    from followed_subjects as subjects
    cross join evidence_macros
    left join early_micros on subjects.subject_id = early_micros.subject_id
    left join macro_subjects
        on subjects.subject_id = macro_subjects.subject_id
        and evidence_macros.macro_name = macro_subjects.macro_name
    left join sales
        on subjects.subject_id = sales.subject_id
        and evidence_macros.macro_name = sales.macro_name
    where not coalesce(macro_subjects.is_early, false)

),

mart_conversion_landmarks as (

    select
        macro_name,
        {{ stratum_columns(with_bins=false) }},
        cast(done_mask as int64) as done_mask,
        cast(count(*) as int64) as subject_count,
        cast(sum(is_converted) as int64) as converted_count,
        cast(sum(value_micros) as int64) / 1000000.0 as revenue_usd,
        cast({{ squared_hundredths("value_micros / 1000000.0") }} as int64) / 100.0 as revenue_usd_squared
    from outcomes
    group by macro_name, {{ stratum | join(", ") }}, done_mask

)

select * from mart_conversion_landmarks
