{#- The same rule as in the evidence (microconv.evidence.outage), which leaves such days out. -#}
{%- set typical_quantile, least_expected, silent_share = 0.75, 20, 0.1 %}

with days as (

    select
        conversion_name,
        conversion_date,
        conversion_count,
        session_count,
        conversion_count / cast(session_count as {{ type_float64() }}) as rate
    from {{ ref("mart_daily_conversions") }}
    where segment_dimension = 'all'
        and session_count > 0
        and not is_ramp_up

),

ranked as (

    select
        *,
        row_number() over (partition by conversion_name order by rate, conversion_date) - 1 as rate_rank,
        (count(*) over (partition by conversion_name) - 1) * {{ typical_quantile }} as typical_rank
    from days

),

typical_rates as (

    -- Above the middle, since an outage may last longer than half of the time.
    select
        conversion_name,
        sum(
            case
                when rate_rank = floor(typical_rank) then rate * (1 - (typical_rank - floor(typical_rank)))
                when rate_rank = floor(typical_rank) + 1 then rate * (typical_rank - floor(typical_rank))
            end
        ) as typical_rate
    from ranked
    group by conversion_name

),

mart_conversion_outages as (

    select
        days.conversion_name,
        days.conversion_date as outage_date,
        days.session_count,
        days.conversion_count,
        typical_rates.typical_rate * days.session_count as expected_count
    from days
    inner join typical_rates on days.conversion_name = typical_rates.conversion_name
    where typical_rates.typical_rate * days.session_count >= {{ least_expected }}
        and days.conversion_count < {{ silent_share }} * typical_rates.typical_rate * days.session_count

)

select * from mart_conversion_outages
