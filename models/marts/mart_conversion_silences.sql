{#- The same rule as in the evidence (microconv.evidence.outage), which leaves such days out. -#}
{%- set typical_quantile, silent_share = 0.75, 0.1 %}
{%- set least_expected, least_expected_of_a_day, least_expected_of_none = 20, 3, 5 %}

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

judged as (

    select
        days.conversion_name,
        days.conversion_date,
        days.session_count,
        days.conversion_count,
        typical_rates.typical_rate * days.session_count as expected_count,
        days.conversion_count < {{ silent_share }} * typical_rates.typical_rate * days.session_count as is_low
    from days
    inner join typical_rates on days.conversion_name = typical_rates.conversion_name

),

numbered as (

    -- Low days in a row have the same number: how many others came before them.
    select
        *,
        is_low and expected_count >= {{ least_expected_of_a_day }} as is_telling,
        sum(case when is_low then 0 else 1 end) over (
            partition by conversion_name order by conversion_date
            rows between unbounded preceding and current row
        ) as run_number
    from judged

),

added as (

    select
        *,
        sum(case when is_telling then expected_count else 0 end) over (
            partition by conversion_name, run_number
        ) as expected_together
    from numbered

),

mart_conversion_silences as (

    select
        conversion_name,
        conversion_date,
        session_count,
        conversion_count,
        expected_count,
        is_telling and expected_together >= {{ least_expected }} as is_outage,
        (is_telling and expected_together >= {{ least_expected }})
        or (conversion_count = 0 and expected_count >= {{ least_expected_of_none }}) as is_untracked
    from added
    where is_low

)

select * from mart_conversion_silences
