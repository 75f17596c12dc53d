with segments as (

    select * from {{ ref("mart_segment_conversions") }}
    where period_grain = 'all'

),

totals as (

    select
        conversion_name,
        session_count,
        converting_session_count
    from segments
    where segment_dimension = 'all'

),

compared as (

    -- A segment against the rest of the visits, so that it is not compared with itself.
    select
        segments.conversion_name,
        segments.conversion_type,
        segments.segment_dimension,
        segments.segment_value,
        segments.session_count,
        segments.converting_session_count,
        totals.session_count - segments.session_count as rest_session_count,
        totals.converting_session_count - segments.converting_session_count as rest_converting_session_count,
        segments.session_conversion_rate,
        segments.session_conversion_rate_low,
        segments.session_conversion_rate_high,
        totals.converting_session_count / cast(totals.session_count as {{ type_float64() }}) as overall_rate
    from segments
    inner join totals on segments.conversion_name = totals.conversion_name
    where segments.segment_dimension <> 'all'
        and segments.segment_value not like '%(other)%'
        and segments.session_count >= {{ var("minimum_group_size") }}
        and totals.session_count - segments.session_count >= {{ var("minimum_group_size") }}

),

tested as (

    select
        *,
        rest_converting_session_count / cast(rest_session_count as {{ type_float64() }}) as rest_conversion_rate,
        (
            session_conversion_rate - rest_converting_session_count / cast(rest_session_count as {{ type_float64() }})
        ) / nullif(
            sqrt(
                overall_rate * (1 - overall_rate)
                * (
                    1 / cast(session_count as {{ type_float64() }})
                    + 1 / cast(rest_session_count as {{ type_float64() }})
                )
            ), 0
        ) as z_score
    from compared

),

judged as (

    select
        *,
        -- The normal approximation needs some conversions expected on either side.
        overall_rate * least(session_count, rest_session_count) >= 5
        and (1 - overall_rate) * least(session_count, rest_session_count) >= 5 as is_testable,
        {{ normal_p_value("z_score") }} as p_value
    from tested

),

ranked as (

    select
        *,
        row_number() over (
            partition by conversion_name, is_testable
            order by p_value, segment_dimension, segment_value
        ) as p_value_rank,
        count(*) over (partition by conversion_name, is_testable) as test_count
    from judged

),

adjusted as (

    -- Benjamini and Hochberg 1995: the smallest rate of false discoveries at which the gap would be one.
    select
        *,
        case
            when is_testable
                then least(
                    1,
                    min(p_value * test_count / p_value_rank) over (
                        partition by conversion_name, is_testable
                        order by p_value_rank desc
                        rows between unbounded preceding and current row
                    )
                )
        end as q_value
    from ranked

),

mart_segment_gaps as (

    select
        conversion_name,
        conversion_type,
        segment_dimension,
        segment_value,
        session_count,
        converting_session_count,
        session_conversion_rate,
        session_conversion_rate_low,
        session_conversion_rate_high,
        rest_session_count,
        rest_conversion_rate,
        session_conversion_rate / nullif(rest_conversion_rate, 0) as rate_ratio,
        z_score,
        p_value,
        q_value,
        case
            when not is_testable then 'too few'
            when q_value >= 0.05 or z_score is null then 'no gap shown'
            when session_conversion_rate > rest_conversion_rate then 'higher'
            else 'lower'
        end as verdict
    from adjusted

)

select * from mart_segment_gaps
