{{
    config(
        cluster_by=bigquery_only(["funnel_name", "period_grain", "segment_dimension"]),
    )
}}

{%- set groups = [
    "funnel_name", "segment_attribution", "period_grain", "period_start_date", "segment_dimension", "segment_value"
] %}

with units as (

    select * from {{ ref("int_funnel_units_counted") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}
    where role = 'step'
        or (role = 'optional' and step_order <> 'any')

),

reached as (

    -- Bits of steps: a unit drops out between the required step before and this one, by an exclusion if it stood there.
    select
        units.{{ groups | join(", units.") }},
        funnel_steps.funnel_step_id,
        cast(sum(case when units.reached_mask & funnel_steps.step_bit <> 0 then unit_count else 0 end) as int64)
            as reached_count,
        cast(sum(case when units.continued_mask & funnel_steps.step_bit <> 0 then unit_count else 0 end) as int64)
            as continued_count,
        cast(
            sum(
                case
                    when units.reached_mask & coalesce(funnel_steps.previous_step_bit, funnel_steps.step_bit) <> 0
                        then unit_count
                    else 0
                end
            ) as int64
        ) as previous_step_count,
        cast(
            sum(
                case
                    when units.continued_mask & funnel_steps.step_bit = 0
                        and units.reached_mask & funnel_steps.previous_step_bit <> 0
                        and units.excluded_mask & (funnel_steps.step_bit - funnel_steps.previous_step_bit) <> 0
                        then unit_count
                    else 0
                end
            ) as int64
        ) as excluded_count,
        cast(sum(case when units.is_mature then unit_count else 0 end) as int64) as entered_count,
        cast(sum(case when units.is_mature then 0 else unit_count end) as int64) as immature_count
    from units
    inner join funnel_steps on units.funnel_name = funnel_steps.funnel_name
    group by units.{{ groups | join(", units.") }}, funnel_steps.funnel_step_id

),

mart_funnel_steps as (

    select
        reached.funnel_name,
        reached.period_grain,
        reached.period_start_date,
        reached.segment_dimension,
        reached.segment_value,
        reached.segment_attribution,
        funnel_steps.step_number,
        case when funnel_steps.step_order <> 'any' then funnel_steps.conversion_name end as conversion_name,
        funnel_steps.step_label,
        funnel_steps.role,
        reached.reached_count,
        reached.previous_step_count,
        reached.continued_count,
        reached.entered_count,
{{ rate_columns("reached.continued_count", "reached.previous_step_count", "step_conversion_rate") }},
{{ rate_columns("reached.reached_count", "reached.entered_count", "funnel_conversion_rate") }},
        reached.previous_step_count - reached.continued_count as drop_off_count,
        reached.excluded_count,
        reached.immature_count,
        funnel_steps.unit,
        funnel_steps.step_order,
        funnel_steps.entry,
        funnel_steps.counting,
        funnel_steps.window_hours,
        funnel_steps.step_window_hours
    from reached
    inner join funnel_steps on reached.funnel_step_id = funnel_steps.funnel_step_id

)

select * from mart_funnel_steps
