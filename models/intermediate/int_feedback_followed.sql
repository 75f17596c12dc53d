{%- set day = 86400000000 %}

with answers as (

    select
        *,
        {{ micros_of_timestamp("occurred_at") }} as answered_timestamp
    from {{ ref("fct_feedback") }}
    where exclusion_reason is null

),

sessions as (

    select * from {{ ref("fct_sessions") }}

),

macro_conversions as (

    select
        visitor_id,
        {{ micros_of_timestamp("occurred_at") }} as converted_timestamp
    from {{ ref("fct_macro_conversions") }}
    where exclusion_reason is null
        and visitor_id is not null

),

{{ moment_conversions() }},

moments as (

    select distinct
        moment,
        stall_micros,
        expire_micros
    from {{ ref("dim_audience_moments") }}
    where is_listed

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

moments_of_answers as (

    -- What was known of each moment when the answer was given.
    select
        answers.feedback_id,
        answers.answered_timestamp,
        moment_conversions.moment,
        max(case when moment_conversions.role = 'started' then moment_conversions.event_timestamp end)
            as started_timestamp,
        max(case when moment_conversions.role = 'finished' then moment_conversions.event_timestamp end)
            as finished_timestamp,
        max(case when moment_conversions.is_for_good then 1 else 0 end) as is_finished_for_good
    from answers
    inner join moment_conversions
        on moment_conversions.is_listed
        and answers.visitor_id = moment_conversions.visitor_id
        and answers.answered_timestamp >= moment_conversions.event_timestamp
    group by answers.feedback_id, answers.answered_timestamp, moment_conversions.moment

),

unfinished as (

    select
        moments_of_answers.feedback_id,
        max(
            case
                when moments_of_answers.answered_timestamp - moments_of_answers.started_timestamp
                    >= moments.stall_micros then 1
                else 0
            end
        ) = 1 as is_stalled
    from moments_of_answers
    inner join moments on moments_of_answers.moment = moments.moment
    where moments_of_answers.is_finished_for_good = 0
        and coalesce(moments_of_answers.finished_timestamp < moments_of_answers.started_timestamp, true)
        and moments_of_answers.answered_timestamp - moments_of_answers.started_timestamp <= moments.expire_micros
    group by moments_of_answers.feedback_id

),

macros_of_answers as (

    select
        answers.feedback_id,
        max(case when macro_conversions.converted_timestamp <= answers.answered_timestamp then 1 else 0 end) = 1
            as has_converted_before,
        min(
            case
                when macro_conversions.converted_timestamp > answers.answered_timestamp
                    then macro_conversions.converted_timestamp
            end
        ) as next_converted_timestamp
    from answers
    inner join macro_conversions on answers.visitor_id = macro_conversions.visitor_id
    group by answers.feedback_id

),

int_feedback_followed as (

    select
        answers.feedback_id,
        answers.feedback_name,
        answers.question,
        answers.answer_text,
        answers.rating,
        answers.trigger_moment,
        answers.visitor_id,
        answers.answered_timestamp,
        case
            when answers.visitor_id is null then '(unknown)'
            when unfinished.is_stalled then 'stalled'
            when unfinished.feedback_id is not null then 'under_way'
            when macros_of_answers.has_converted_before then 'converted'
            else 'not_begun'
        end as journey_state,
        coalesce(sessions.device_category, '(unknown)') as device_category,
        coalesce(sessions.channel_group, '(unknown)') as channel_group,
        case
            when sessions.is_new_visitor then 'new'
            when not sessions.is_new_visitor then 'returning'
            else '(unknown)'
        end as visitor_type,
        answers.answered_timestamp + {{ (var("evidence_horizon_days") * day) | int }} <= as_of.as_of_timestamp
            as is_mature,
        coalesce(
            macros_of_answers.next_converted_timestamp
            <= answers.answered_timestamp + {{ (var("evidence_horizon_days") * day) | int }}, false
        ) as has_converted_after
    from answers
    cross join as_of
    left join sessions on answers.session_id = sessions.session_id
    left join unfinished on answers.feedback_id = unfinished.feedback_id
    left join macros_of_answers on answers.feedback_id = macros_of_answers.feedback_id

)

select * from int_feedback_followed
