with reached as (

    select * from {{ ref("mart_conversion_reach") }}
    where is_bot_filtered
        and not is_placebo

),

checks as (

    select * from {{ ref("mart_evidence_checks") }}

),

inputs as (

    select
        reached.macro_name,
        reached.micro_name,
        reached.first_micro_count,
        reached.first_micro_converted_count,
        checks.order_count,
        checks.mean_order_value_usd,
        checks.horizon_days,
        case
            when reached.first_micro_count >= {{ var("minimum_group_size") }}
                then reached.first_micro_converted_count / nullif(reached.first_micro_count, 0)
        end as conversion_rate,
        {{ wilson_low("reached.first_micro_converted_count", "reached.first_micro_count") }} as wilson_low,
        {{ wilson_high("reached.first_micro_converted_count", "reached.first_micro_count") }} as wilson_high,
        reached.first_micro_revenue_usd,
        reached.monthly_subject_count
    from reached
    inner join checks on reached.macro_name = checks.macro_name

),

mart_conversion_values as (

    -- Rate times average order value, as every text book has it, beside what those subjects spent in truth.
    select
        macro_name,
        micro_name,
        horizon_days,
        first_micro_count,
        first_micro_converted_count,
        conversion_rate,
        case when conversion_rate is not null then wilson_low end as conversion_rate_low,
        case when conversion_rate is not null then wilson_high end as conversion_rate_high,
        order_count,
        mean_order_value_usd,
        conversion_rate * mean_order_value_usd as gross_value_usd,
        case when conversion_rate is not null then wilson_low * mean_order_value_usd end as gross_value_usd_low,
        case when conversion_rate is not null then wilson_high * mean_order_value_usd end as gross_value_usd_high,
        first_micro_revenue_usd,
        case
            when conversion_rate is not null then first_micro_revenue_usd / nullif(first_micro_count, 0)
        end as observed_value_usd,
        monthly_subject_count
    from inputs

)

select * from mart_conversion_values
