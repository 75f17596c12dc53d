with kpis as (

    select * from {{ ref("mart_kpis") }}
    where segment_dimension = 'all'

),

weeks as (

    select * from kpis
    where period_grain = 'week'

),

totals as (

    select * from kpis
    where period_grain = 'all'

),

bi_key_figures as (

    select
        totals.kpi_name,
        totals.label as kpi_label,
        totals.measure,
        totals.unit,
        weeks.period_start_date as week_start_date,
        weeks.value as week_value,
        weeks.value_low as week_value_low,
        weeks.value_high as week_value_high,
        weeks.base_count as week_base_count,
        weeks.immature_count as week_immature_count,
        totals.value,
        totals.value_low,
        totals.value_high,
        totals.base_count,
        totals.immature_count,
        totals.benchmark_low,
        totals.benchmark_high,
        totals.status,
        totals.rule,
        totals.advice
    from totals
    left join weeks on totals.kpi_name = weeks.kpi_name

)

select * from bi_key_figures
