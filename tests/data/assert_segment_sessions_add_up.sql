-- Every dimension divides the same sessions: segments of a dimension, also of a crossed one, add up to the total
-- of the period, which is the number of sessions that count.
with segments as (

    select * from {{ ref("mart_segment_conversions") }}

),

sessions as (

    select * from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

converting_sessions as (

    select
        conversion_name,
        session_id
    from {{ ref("fct_micro_conversions") }}
    where exclusion_reason is null
        and session_id is not null

    union distinct

    select
        conversion_name,
        session_id
    from {{ ref("fct_macro_conversions") }}
    where exclusion_reason is null
        and session_id is not null

),

sums as (

    select
        conversion_name,
        period_grain,
        period_start_date,
        segment_dimension,
        sum(session_count) as session_count,
        sum(converting_session_count) as converting_session_count
    from segments
    group by conversion_name, period_grain, period_start_date, segment_dimension

),

totals as (

    select * from sums
    where segment_dimension = 'all'

),

session_total as (

    select count(*) as session_count
    from sessions

),

converting_totals as (

    select
        conversion_name,
        count(*) as converting_session_count
    from converting_sessions
    group by conversion_name

),

differences as (

    select
        sums.conversion_name,
        sums.period_grain,
        sums.period_start_date,
        sums.segment_dimension,
        sums.session_count,
        totals.session_count as expected_session_count,
        sums.converting_session_count,
        totals.converting_session_count as expected_converting_session_count
    from sums
    left join totals
        on sums.conversion_name = totals.conversion_name
        and sums.period_grain = totals.period_grain
        and coalesce(sums.period_start_date, date '0001-01-01') = coalesce(totals.period_start_date, date '0001-01-01')

    union all

    select
        totals.conversion_name,
        totals.period_grain,
        totals.period_start_date,
        totals.segment_dimension,
        totals.session_count,
        session_total.session_count as expected_session_count,
        totals.converting_session_count,
        coalesce(converting_totals.converting_session_count, 0) as expected_converting_session_count
    from totals
    cross join session_total
    left join converting_totals on totals.conversion_name = converting_totals.conversion_name
    where totals.period_grain = 'all'

)

select *
from differences
where session_count <> coalesce(expected_session_count, -1)
    or converting_session_count <> coalesce(expected_converting_session_count, -1)
