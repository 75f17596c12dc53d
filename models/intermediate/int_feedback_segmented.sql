{%- set own_dimensions = ["trigger_moment", "journey_state", "device_category", "channel_group", "visitor_type"] %}
{%- set no_name = "cast(null as " ~ dbt.type_string() ~ ")" %}
{%- set variants = [{"segment_dimension": "'all'", "segment_value": "'all'"}] %}
{%- for name in own_dimensions + ["answer_text"] %}
    {%- do variants.append({"segment_dimension": "'" ~ name ~ "'", "segment_value": name}) %}
{%- endfor %}

with answers as (

    select * from {{ ref("int_feedback_followed") }}

),

steps_reached as (

    select * from {{ ref("int_feedback_steps_reached") }}

),

question_ranks as (

    select
        feedback_name,
        question,
        row_number() over (partition by feedback_name order by count(*) desc, question asc) as question_rank
    from answers
    group by feedback_name, question

),

trigger_ranks as (

    select
        feedback_name,
        trigger_moment,
        row_number() over (partition by feedback_name order by count(*) desc, trigger_moment asc) as trigger_rank
    from answers
    where trigger_moment is not null
    group by feedback_name, trigger_moment

),

answer_ranks as (

    select
        feedback_name,
        question,
        answer_text,
        count(distinct visitor_id) as people_count,
        row_number() over (
            partition by feedback_name, question
            order by count(distinct visitor_id) desc, answer_text asc
        ) as answer_rank
    from answers
    where answer_text is not null
    group by feedback_name, question, answer_text

),

named_answers as (

    -- What many said keeps its words; the rest could be anything, also somebody's name.
    select
        answers.feedback_id,
        answers.feedback_name,
        case
            when question_ranks.question_rank <= {{ var("largest_segments") }} then answers.question
            else '(other)'
        end as question,
        case
            when answers.trigger_moment is null then '(unknown)'
            when trigger_ranks.trigger_rank <= {{ var("largest_segments") }} then answers.trigger_moment
            else '(other)'
        end as trigger_moment,
        case
            when answers.answer_text is null then '(no words)'
            when answer_ranks.answer_rank <= {{ var("feedback_answers_shown") }}
                and answer_ranks.people_count >= {{ var("feedback_minimum_people") }} then answers.answer_text
            else '(other)'
        end as answer_text,
        answers.rating,
        answers.visitor_id,
        answers.answered_timestamp,
        answers.journey_state,
        answers.device_category,
        answers.channel_group,
        answers.visitor_type,
        answers.is_mature,
        answers.has_converted_after
    from answers
    inner join question_ranks
        on answers.feedback_name = question_ranks.feedback_name
        and answers.question = question_ranks.question
    left join trigger_ranks
        on answers.feedback_name = trigger_ranks.feedback_name
        and answers.trigger_moment = trigger_ranks.trigger_moment
    left join answer_ranks
        on answers.feedback_name = answer_ranks.feedback_name
        and answers.question = answer_ranks.question
        and answers.answer_text = answer_ranks.answer_text

),

answer_segments as (

    {{ row_per_variant("named_answers", ["feedback_id"], variants) | trim }}

),

placed_answers as (

    select
        feedback_id,
        segment_dimension,
        segment_value,
        {{ no_name }} as funnel_name,
        cast(null as int64) as step_number
    from answer_segments

    union all

    select
        feedback_id,
        'furthest_step' as segment_dimension,
        step_label as segment_value,
        funnel_name,
        step_number
    from steps_reached

),

int_feedback_segmented as (

    select
        placed_answers.segment_dimension,
        placed_answers.segment_value,
        placed_answers.funnel_name,
        placed_answers.step_number,
        named_answers.feedback_id,
        named_answers.feedback_name,
        named_answers.question,
        named_answers.rating,
        named_answers.visitor_id,
        named_answers.answered_timestamp,
        named_answers.is_mature,
        named_answers.has_converted_after
    from placed_answers
    inner join named_answers on placed_answers.feedback_id = named_answers.feedback_id

)

select * from int_feedback_segmented
