{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["feedback_name"]),
    )
}}

{%- set dates = open_dates() %}

with events as {{ not_materialized() }} (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

feedback_events as (

    select * from {{ ref("feedback_events") }}

),

asked_events as (

    -- By themselves, so that parameters are read only where there is feedback at all.
    select
        events.event_id,
        feedback_events.feedback_name,
        feedback_events.question_field,
        feedback_events.answer_field,
        feedback_events.rating_field,
        cast(feedback_events.rating_min as {{ type_float64() }}) as rating_min,
        cast(feedback_events.rating_max as {{ type_float64() }}) as rating_max,
        feedback_events.trigger_field
    from events
    inner join feedback_events on events.event_name = feedback_events.event_name

),

raw_answers as (

    select
        events.event_id,
        events.event_name,
        events.property_id,
        events.event_date,
        events.event_timestamp,
        events.user_pseudo_id,
        events.user_id_hash,
        events.session_id,
        events.page_path,
        asked_events.feedback_name,
        asked_events.rating_min,
        asked_events.rating_max,
        {{ event_text("events", "asked_events.question_field") }} as raw_question,
        {{ event_text("events", "asked_events.answer_field") }} as raw_answer,
        {{ without_spaces_around(event_text("events", "asked_events.rating_field")) }} as raw_rating,
        {{ event_text("events", "asked_events.trigger_field") }} as raw_trigger
    from asked_events
    inner join events on asked_events.event_id = events.event_id

),

readable_answers as (

    select
        *,
        {{ redact_answer("raw_question") }} as question,
        {{ redact_answer("raw_answer") }} as answer_text,
        {{ redact_answer("raw_trigger") }} as trigger_moment,
        {{ clean_text("raw_rating") }} as rating_text,
        case
            when {{ regexp_found("raw_rating", "'^[+-]?[0-9]{1,9}([.][0-9]{1,9})?$'") }}
                then {{ safe_cast_to("raw_rating", type_float64()) }}
        end as rating
    from raw_answers

),

int_feedback_matched as (

    -- An event without an answer shows that the question was asked, not what somebody thinks.
    select
        event_id || '/' || feedback_name as feedback_id,
        feedback_name,
        event_id,
        event_name,
        property_id,
        event_date,
        event_timestamp,
        user_pseudo_id,
        user_id_hash,
        session_id,
        page_path,
        coalesce(nullif(question, ''), feedback_name) as question,
        nullif(answer_text, '') as answer_text,
        case when rating between rating_min and rating_max then rating end as rating,
        nullif(trigger_moment, '') as trigger_moment
    from readable_answers
    where coalesce(answer_text, '') <> ''
        or rating_text is not null

)

select * from int_feedback_matched
