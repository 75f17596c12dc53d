-- What do people say, by the step of the funnel at which they stood? Means of fewer than minimum_group_size are empty.
with feedback as (

    select * from {{ ref("mart_feedback") }}
    where segment_dimension = 'furthest_step'

),

what_do_people_say_where_they_stop as (

    select
        question,
        funnel_name,
        step_number,
        segment_value as step,
        answer_count,
        respondent_count,
        rating_mean,
        rating_mean_low,
        rating_mean_high,
        conversion_rate,
        conversion_rate_low,
        conversion_rate_high
    from feedback

)

select * from what_do_people_say_where_they_stop
order by question, funnel_name, step_number
