-- How long does it take from step to step? Those who are still on their way count as far as they were followed.
with velocity as (

    select * from {{ ref("mart_funnel_velocity") }}
    where period_grain = 'all'
        and segment_dimension = 'all'

),

how_long_does_it_take as (

    select
        funnel_name,
        from_step_label,
        to_step_label,
        started_count,
        reached_count,
        median_seconds_given_reached,
        seconds_p90,
        reached_within_1h,
        reached_within_1d,
        reached_within_7d,
        reached_within_window,
        reached_within_window_low,
        reached_within_window_high,
        from_step,
        to_step
    from velocity

)

select * from how_long_does_it_take
order by funnel_name, from_step, to_step
