-- Which segment loses most at which step? Against the same step of everybody else, where the intervals do not touch.
with steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where period_grain = 'all'
        and segment_attribution = 'entry'
        and role = 'step'
        and step_number > 1

),

totals as (

    select * from steps
    where segment_dimension = 'all'

),

which_segment_loses_most_at_which_step as (

    select
        steps.funnel_name,
        steps.step_number,
        steps.step_label,
        steps.segment_dimension,
        steps.segment_value,
        steps.previous_step_count,
        steps.drop_off_count,
        steps.step_conversion_rate,
        steps.step_conversion_rate_low,
        steps.step_conversion_rate_high,
        totals.step_conversion_rate as step_conversion_rate_of_all,
        (totals.step_conversion_rate - steps.step_conversion_rate) * steps.previous_step_count
            as lost_beyond_average_count
    from steps
    inner join totals
        on steps.funnel_name = totals.funnel_name
        and steps.step_number = totals.step_number
    where steps.segment_dimension <> 'all'
        and steps.step_conversion_rate_high < totals.step_conversion_rate_low

)

select * from which_segment_loses_most_at_which_step
order by lost_beyond_average_count desc, funnel_name asc, step_number asc, segment_dimension asc, segment_value asc
