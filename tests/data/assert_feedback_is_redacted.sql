-- No answer, question or trigger holds an e-mail address or seven digits in a row, and none is longer than may be.
with feedback as (

    select * from {{ ref("fct_feedback") }}

),

texts as (

    select
        feedback_id,
        question || ' ' || coalesce(answer_text, '') || ' ' || coalesce(trigger_moment, '') as all_text,
        length(answer_text) as answer_length
    from feedback

)

select * from texts
where {{ regexp_found("all_text", "'[0-9]{7}|[^ ]@[^ ]'") }}
    or answer_length > {{ var("feedback_answer_length") }}
