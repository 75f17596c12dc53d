with funnel_steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where segment_attribution = 'entry'
        and period_grain in ('all', 'week')
        and segment_dimension in ('all', 'device_category', 'channel_group', 'visitor_type')

),

step_definitions as (

    select * from {{ ref("dim_funnel_steps") }}

),

funnels as (

    select distinct
        funnel_name,
        funnel_label
    from step_definitions

),

bi_funnels as (

    select
        funnel_steps.funnel_name,
        funnels.funnel_label,
        funnel_steps.period_grain,
        funnel_steps.period_start_date,
        funnel_steps.segment_dimension,
        funnel_steps.segment_value,
        funnel_steps.step_number,
        funnel_steps.step_label,
        funnel_steps.entered_count,
        funnel_steps.previous_step_count,
        funnel_steps.reached_count,
        funnel_steps.continued_count,
        funnel_steps.drop_off_count,
        funnel_steps.immature_count,
        funnel_steps.step_conversion_rate,
        funnel_steps.step_conversion_rate_low,
        funnel_steps.step_conversion_rate_high,
        funnel_steps.funnel_conversion_rate,
        funnel_steps.funnel_conversion_rate_low,
        funnel_steps.funnel_conversion_rate_high,
        funnel_steps.unit,
        funnel_steps.step_order,
        funnel_steps.entry,
        funnel_steps.counting,
        funnel_steps.window_hours
    from funnel_steps
    inner join funnels on funnel_steps.funnel_name = funnels.funnel_name

)

select * from bi_funnels
