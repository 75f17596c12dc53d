{#- With more of a period's sessions on silent days, the rest says nothing: the same limit as in the evidence
    (microconv.evidence.outage). -#}
{%- set largest_missing_share = 0.05 %}

with definitions as (

    select * from {{ ref("kpi_definitions") }}

),

outages as (

    select * from {{ ref("mart_conversion_silences") }}
    where is_outage

),

days as (

    select
        session_date,
        cast(count(*) as int64) as session_count
    from {{ ref("int_sessions_segmented") }}
    group by session_date

),

silent_days as (

    -- Days on which something that the KPI counts was not recorded.
    select distinct
        definitions.kpi_name,
        outages.conversion_date as outage_date
    from definitions
    inner join outages
        on strpos('|' || definitions.numerator || '|', '|' || outages.conversion_name || '|') > 0
        or definitions.denominator = outages.conversion_name

),

periods as (

    select
        'all' as period_grain,
        cast(null as date) as period_start_date,
        min(session_date) as first_date,
        max(session_date) as last_date
    from days

    union all

    select distinct
        'week' as period_grain,
        {{ week_start("session_date") }} as period_start_date,
        {{ week_start("session_date") }} as first_date,
        {{ add_days(week_start("session_date"), 6) }} as last_date
    from days

    union all

    select
        'day' as period_grain,
        session_date as period_start_date,
        session_date as first_date,
        session_date as last_date
    from days

),

counted as (

    -- What a visitor is watched for after the period belongs to its number.
    select
        definitions.kpi_name,
        periods.period_grain,
        periods.period_start_date,
        sum(days.session_count) as session_count,
        sum(case when silent_days.outage_date is not null then days.session_count else 0 end) as silent_session_count,
        count(silent_days.outage_date) as outage_day_count
    from definitions
    cross join periods
    inner join days
        on periods.first_date <= days.session_date
        and {{ add_days("periods.last_date", "coalesce(definitions.within_days, 0)") }} >= days.session_date
    left join silent_days
        on definitions.kpi_name = silent_days.kpi_name
        and days.session_date = silent_days.outage_date
    group by definitions.kpi_name, periods.period_grain, periods.period_start_date

),

mart_kpi_outages as (

    select
        kpi_name,
        period_grain,
        period_start_date,
        cast(outage_day_count as int64) as outage_day_count,
        silent_session_count > {{ largest_missing_share }} * session_count as is_unreliable
    from counted
    where outage_day_count > 0

)

select * from mart_kpi_outages
