with answers as (

    select * from {{ ref("int_feedback_segmented") }}

),

scales as (

    select
        feedback_name,
        cast(rating_min as {{ type_float64() }}) as rating_min,
        cast(rating_max as {{ type_float64() }}) as rating_max
    from {{ ref("feedback_events") }}

),

judged as (

    -- A person speaks once in each row: with the last answer, and for the mean with the last rating.
    select
        *,
        visitor_id is not null and row_number() over (
            partition by feedback_name, question, segment_dimension, segment_value, funnel_name, visitor_id
            order by answered_timestamp desc, feedback_id desc
        ) = 1 as is_last_answer,
        visitor_id is not null and rating is not null and row_number() over (
            partition by
                feedback_name, question, segment_dimension, segment_value, funnel_name, visitor_id, rating is null
            order by answered_timestamp desc, feedback_id desc
        ) = 1 as is_last_rating
    from answers

),

counted as (

    select
        feedback_name,
        question,
        segment_dimension,
        segment_value,
        funnel_name,
        step_number,
        cast(count(*) as int64) as answer_count,
        cast(sum(case when is_last_answer then 1 else 0 end) as int64) as respondent_count,
        cast(sum(case when is_last_rating then 1 else 0 end) as int64) as rating_count,
        {{ exact_sum("case when is_last_rating then rating end") }} as rating_sum,
        {{ exact_sum("case when is_last_rating then rating * rating end") }} as rating_square_sum,
        cast(sum(case when is_last_answer and is_mature then 1 else 0 end) as int64) as mature_respondent_count,
        cast(sum(case when is_last_answer and is_mature and has_converted_after then 1 else 0 end) as int64)
            as converted_respondent_count
    from judged
    group by feedback_name, question, segment_dimension, segment_value, funnel_name, step_number

),

mart_feedback as (

    select
        counted.feedback_name,
        counted.question,
        counted.segment_dimension,
        counted.segment_value,
        counted.funnel_name,
        counted.step_number,
        counted.answer_count,
        counted.respondent_count,
        counted.rating_count,
        {%- set is_shown = "counted.rating_count >= " ~ var("minimum_group_size") %}
        case when {{ is_shown }} then counted.rating_sum / nullif(counted.rating_count, 0) end as rating_mean,
        {%- for sign, end in [("-", "low"), ("+", "high")] %}
        case
            when {{ is_shown }}
                then {{ mean_limit(
                    "counted.rating_sum", "counted.rating_square_sum", "nullif(counted.rating_count, 0)",
                    "scales.rating_min", "scales.rating_max", sign
                ) }}
        end as rating_mean_{{ end }},
        {%- endfor %}
        scales.rating_min,
        scales.rating_max,
        counted.mature_respondent_count,
        counted.converted_respondent_count,
{{ rate_columns("counted.converted_respondent_count", "counted.mature_respondent_count", "conversion_rate") }}
    from counted
    inner join scales on counted.feedback_name = scales.feedback_name

)

select * from mart_feedback
