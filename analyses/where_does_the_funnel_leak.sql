-- Where does the funnel leak? Every step of every funnel over all loaded days, the largest loss first.
-- Only attempts whose window has passed are counted, so a step that is slow is not taken for a leak.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where period_grain = 'all'
        and segment_dimension = 'all'
        and segment_attribution = 'entry'
        and role = 'step'
        and step_number > 1

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

where_does_the_funnel_leak as (

    select
        funnel_steps.funnel_label,
        steps.step_number,
        steps.step_label,
        steps.previous_step_count,
        steps.continued_count,
        steps.drop_off_count,
        steps.step_conversion_rate,
        steps.step_conversion_rate_low,
        steps.step_conversion_rate_high,
        steps.immature_count,
        row_number() over (
            partition by steps.funnel_name
            order by steps.drop_off_count desc, steps.step_number asc
        ) as leak_rank
    from steps
    inner join funnel_steps
        on steps.funnel_name = funnel_steps.funnel_name
        and steps.step_number = funnel_steps.step_number

)

select * from where_does_the_funnel_leak
order by funnel_label, leak_rank
