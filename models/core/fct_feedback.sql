{{
    config(
        partition_by=bigquery_only({"field": "feedback_date", "data_type": "date"}),
        cluster_by=bigquery_only(["feedback_name", "visitor_id"]),
    )
}}

with answers as (

    select * from {{ ref("int_feedback_matched") }}

),

sessions as (

    select * from {{ ref("int_sessions_attributed") }}

),

devices as (

    select * from {{ ref("int_visitor_devices_identified") }}

),

fct_feedback as (

    -- Whose answer it is follows the same order as for conversions.
    select
        answers.feedback_id,
        answers.feedback_name,
        answers.event_name,
        answers.question,
        answers.answer_text,
        answers.rating,
        answers.page_path,
        answers.trigger_moment,
        case
            when answers.user_pseudo_id is not null
                then coalesce(
                    sessions.visitor_id, answers.user_id_hash, devices.only_user_id_hash, answers.user_pseudo_id
                )
        end as visitor_id,
        answers.session_id,
        answers.event_id,
        {{ timestamp_from_micros("answers.event_timestamp") }} as occurred_at,
        answers.event_date as feedback_date,
        sessions.exclusion_reason
    from answers
    left join sessions on answers.session_id = sessions.session_id
    left join devices on answers.user_pseudo_id = devices.user_pseudo_id

)

select * from fct_feedback
