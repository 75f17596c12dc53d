{{
    config(
        partition_by=bigquery_only({"field": "rate_date", "data_type": "date"}),
        cluster_by=bigquery_only(["segment_dimension", "metric_kind", "metric_name"]),
    )
}}

with segment_conversions as (

    select * from {{ ref("mart_segment_conversions") }}
    where period_grain = 'day'

),

daily_conversions as (

    select * from {{ ref("mart_daily_conversions") }}
    where segment_dimension = 'all'

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

kpis as (

    select * from {{ ref("mart_kpis") }}
    where period_grain = 'day'
        and measure = 'share'

),

funnel_steps as (

    select * from {{ ref("mart_funnel_steps") }}
    where period_grain = 'day'
        and segment_attribution = '{{ var("funnel_attributions")[0] }}'
        and role = 'step'
        and step_number > 1

),

browser_conversions as (

    select * from {{ ref("int_browser_conversions_counted") }}

),

conversion_counts as (

    select
        period_start_date as rate_date,
        conversion_name,
        segment_dimension,
        segment_value,
        converting_session_count,
        session_count
    from segment_conversions

    union all

    select
        session_date as rate_date,
        conversion_name,
        'browser' as segment_dimension,
        browser as segment_value,
        converting_session_count,
        session_count
    from browser_conversions

),

conversion_rates as (

    -- Sessions that began on the day, so that no more of them convert than there are.
    select
        conversion_counts.rate_date,
        catalog.conversion_type as metric_kind,
        conversion_counts.conversion_name as metric_name,
        0 as step_number,
        catalog.label as metric_label,
        conversion_counts.segment_dimension,
        conversion_counts.segment_value,
        conversion_counts.converting_session_count as success_count,
        conversion_counts.session_count as trial_count,
        coalesce(daily_conversions.is_final, false) as is_mature,
        coalesce(daily_conversions.is_ramp_up, false) as is_ramp_up
    from conversion_counts
    inner join catalog on conversion_counts.conversion_name = catalog.conversion_name
    left join daily_conversions
        on conversion_counts.conversion_name = daily_conversions.conversion_name
        and conversion_counts.rate_date = daily_conversions.conversion_date

),

kpi_rates as (

    select
        period_start_date as rate_date,
        'kpi' as metric_kind,
        kpi_name as metric_name,
        0 as step_number,
        label as metric_label,
        segment_dimension,
        segment_value,
        numerator as success_count,
        denominator as trial_count,
        immature_count = 0 as is_mature,
        false as is_ramp_up
    from kpis

),

step_rates as (

    -- By the day of the entry; a day whose entries still have time is not judged.
    select
        period_start_date as rate_date,
        'funnel_step' as metric_kind,
        funnel_name as metric_name,
        step_number,
        step_label as metric_label,
        segment_dimension,
        segment_value,
        continued_count as success_count,
        previous_step_count as trial_count,
        immature_count = 0 as is_mature,
        false as is_ramp_up
    from funnel_steps

),

funnel_rates as (

    select
        period_start_date as rate_date,
        'funnel' as metric_kind,
        funnel_name as metric_name,
        step_number,
        step_label as metric_label,
        segment_dimension,
        segment_value,
        reached_count as success_count,
        entered_count as trial_count,
        immature_count = 0 as is_mature,
        false as is_ramp_up
    from funnel_steps

),

rates as (

    {%- for relation in ["conversion_rates", "kpi_rates", "step_rates", "funnel_rates"] %}
    select * from {{ relation }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

mart_tracked_rates as (

    select
        rate_date,
        metric_kind,
        metric_name,
        cast(step_number as int64) as step_number,
        metric_label,
        segment_dimension,
        segment_value,
        cast(success_count as int64) as success_count,
        cast(trial_count as int64) as trial_count,
        is_mature,
        is_ramp_up
    from rates

)

select * from mart_tracked_rates
