with answers as (

    select * from {{ ref("int_feedback_followed") }}

),

steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

funnel_names as (

    select distinct funnel_name
    from funnel_steps

),

last_steps as (

    -- Of the newest attempt that the visitor had entered by then, the furthest step reached by then.
    select
        answers.feedback_id,
        steps_reached.funnel_name,
        steps_reached.step_number
    from answers
    inner join steps_reached
        on answers.visitor_id = steps_reached.visitor_id
        and answers.answered_timestamp >= steps_reached.entered_timestamp
        and answers.answered_timestamp >= steps_reached.reached_timestamp
    qualify row_number() over (
        partition by answers.feedback_id, steps_reached.funnel_name
        order by
            steps_reached.entered_timestamp desc, steps_reached.unit_id desc, steps_reached.entry_position desc,
            steps_reached.step_number desc
    ) = 1

),

int_feedback_steps_reached as (

    select
        answers.feedback_id,
        funnel_names.funnel_name,
        case when answers.visitor_id is not null then coalesce(last_steps.step_number, 0) end as step_number,
        case
            when answers.visitor_id is null then '(unknown)'
            when last_steps.step_number is null then '(not entered)'
            else cast(last_steps.step_number as {{ dbt.type_string() }}) || '. ' || funnel_steps.step_label
        end as step_label
    from answers
    cross join funnel_names
    left join last_steps
        on answers.feedback_id = last_steps.feedback_id
        and funnel_names.funnel_name = last_steps.funnel_name
    left join funnel_steps
        on last_steps.funnel_name = funnel_steps.funnel_name
        and last_steps.step_number = funnel_steps.step_number

)

select * from int_feedback_steps_reached
