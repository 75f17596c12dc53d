{{
    config(
        cluster_by=bigquery_only(["period_grain", "segment_dimension", "kpi_name"]),
    )
}}

{%- set cell = ["kpi_name", "grain_number", "period_start_date", "dimension_number", "segment_number"] %}
{%- set buckets = visitor_bucket_count() %}
{%- set least_buckets = 10 %}

with definitions as (

    select
        *,
        unit = 'visitor' and denominator = 'all' as has_all_visitors
    from {{ ref("kpi_definitions") }}

),

parts as (

    select * from {{ ref("int_kpi_parts_counted") }}

),

sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

segment_conversions as (

    select * from {{ ref("mart_segment_conversions") }}

),

outages as (

    select * from {{ ref("mart_kpi_outages") }}

),

{{ segment_names("sessions") }},

based_parts as (

    -- The base: the units with the denominator, or all sessions. Beside it, for `times`, the sessions without it.
    select
        {%- for column in cell %}
        parts.{{ column }},
        {%- endfor %}
        parts.bucket_number,
        parts.immature_count,
        case when definitions.denominator = 'all' then parts.all_count else parts.base_count end as base_count,
        case
            when definitions.denominator = 'all' then parts.other_millionths else parts.base_millionths
        end as measured_millionths,
        case when definitions.measure = 'times' then parts.all_count - parts.base_count else 0 end as rest_count,
        case when definitions.measure = 'times' then parts.other_millionths else 0 end as rest_millionths
    from parts
    inner join definitions on parts.kpi_name = definitions.kpi_name
    where not definitions.has_all_visitors

),

measured_parts as (

    -- Whole numbers are added up: the same sum to the last digit on every run.
    select
        *,
        measured_millionths / 1000000.0 as measured,
        sum(base_count) over cell as cell_base_count,
        cast(sum(measured_millionths) over cell as int64) / 1000000.0 as cell_measured
    from based_parts
    window cell as (partition by {{ cell | join(", ") }})

),

deviations as (

    -- How far a bucket of visitors is from what the mean over all of them promises.
    select
        *,
        measured - base_count * cell_measured / nullif(cell_base_count, 0) as deviation
    from measured_parts

),

totals as (

    -- Squares are added in a fixed order, for the same reason.
    select
        {{ cell | join(", ") }},
        sum(base_count) as base_count,
        cast(sum(measured_millionths) as int64) / 1000000.0 as measured,
        sum(rest_count) as rest_count,
        cast(sum(rest_millionths) as int64) / 1000000.0 as rest_measured,
        sum(immature_count) as immature_count,
        sum(case when base_count > 0 then 1 else 0 end) as bucket_count,
        {{ squared_deviation(buckets) }} as squared_deviation
    from deviations
    group by {{ cell | join(", ") }}

),

counted as (

    select
        totals.kpi_name,
        {{ period_grain_name("totals.grain_number") }} as period_grain,
        totals.period_start_date,
        segment_names.segment_dimension,
        segment_names.segment_value,
        totals.base_count,
        totals.measured,
        totals.rest_count,
        totals.rest_measured,
        totals.immature_count,
        totals.bucket_count,
        totals.squared_deviation
    from totals
    inner join segment_names
        on totals.dimension_number = segment_names.dimension_number
        and totals.segment_number = segment_names.segment_number

    union all

    -- Visitors of a period are counted there already.
    select
        definitions.kpi_name,
        segments.period_grain,
        segments.period_start_date,
        segments.segment_dimension,
        segments.segment_value,
        segments.visitor_count as base_count,
        segments.converting_visitor_count as measured,
        0 as rest_count,
        0 as rest_measured,
        0 as immature_count,
        0 as bucket_count,
        0 as squared_deviation
    from definitions
    inner join segment_conversions as segments on definitions.numerator = segments.conversion_name
    where definitions.has_all_visitors
        and segments.segment_dimension not like '% x %'
        and (
            segments.period_grain <> 'day'
            or segments.segment_dimension in ('all', 'device_category', 'channel_group')
        )

),

rates as (

    -- Every cell gets what each measure needs; a mean above 1 is no rate.
    select
        *,
{{ rate_columns("least(measured, base_count)", "base_count", "rate") }},
{{ rate_columns("rest_measured", "rest_count", "rest_rate") }},
        measured / nullif(cast(base_count as {{ type_float64() }}), 0) as mean,
        -- Student's t for 19 degrees of freedom, or for the fewest buckets that a mean is shown for.
        sqrt(squared_deviation * bucket_count / nullif(bucket_count - 1, 0)) / nullif(base_count, 0)
        * case when bucket_count < {{ buckets }} then 2.262 else 2.093 end as margin
    from counted

),

ratios as (

    select
        *,
{{ ratio_columns("rate", "rest_rate", "times") }},
        base_count >= {{ var("minimum_group_size") }} and bucket_count >= {{ least_buckets }} as has_mean
    from rates

),

valued as (

    select
        ratios.kpi_name,
        ratios.period_grain,
        ratios.period_start_date,
        ratios.segment_dimension,
        ratios.segment_value,
        case when definitions.measure = 'times' then ratios.rate else ratios.measured end as numerator,
        case
            when definitions.measure = 'times' then ratios.rest_rate
            else cast(ratios.base_count as {{ type_float64() }})
        end as denominator,
        case
            when definitions.measure = 'share' then ratios.rate
            when definitions.measure = 'times' and ratios.times_high is not null then ratios.times
            when definitions.measure <> 'times' and ratios.has_mean then ratios.mean
        end as value,
        case
            when definitions.measure = 'share' then ratios.rate_low
            when definitions.measure = 'times' and ratios.times_high is not null then ratios.times_low
            when definitions.measure <> 'times' and ratios.has_mean then greatest(ratios.mean - ratios.margin, 0)
        end as value_low,
        case
            when definitions.measure = 'share' then ratios.rate_high
            when definitions.measure = 'times' then ratios.times_high
            -- Of what never happened in n units, up to 3.69 / n may be the mean (Poisson, 97.5 %).
            when ratios.has_mean and ratios.mean = 0 then 3.69 / ratios.base_count
            when ratios.has_mean then ratios.mean + ratios.margin
        end as value_high,
        ratios.base_count,
        ratios.rest_count,
        ratios.immature_count,
        coalesce(outages.outage_day_count, 0) as outage_day_count,
        coalesce(outages.is_unreliable, false) as is_unreliable
    from ratios
    inner join definitions on ratios.kpi_name = definitions.kpi_name
    left join outages
        on ratios.kpi_name = outages.kpi_name
        and ratios.period_grain = outages.period_grain
        and coalesce(ratios.period_start_date, date '0001-01-01')
        = coalesce(outages.period_start_date, date '0001-01-01')

),

mart_kpis as (

    select
        valued.kpi_name,
        definitions.label,
        valued.period_grain,
        valued.period_start_date,
        valued.segment_dimension,
        valued.segment_value,
        definitions.measure,
        definitions.unit,
        valued.numerator,
        valued.denominator,
        valued.value,
        valued.value_low,
        valued.value_high,
        cast(valued.base_count as int64) as base_count,
        cast(valued.rest_count as int64) as rest_count,
        cast(valued.immature_count as int64) as immature_count,
        cast(definitions.benchmark_low as {{ type_float64() }}) as benchmark_low,
        cast(definitions.benchmark_high as {{ type_float64() }}) as benchmark_high,
        cast(definitions.act_below as {{ type_float64() }}) as act_below,
        valued.outage_day_count,
        case
            when valued.value is null then 'too few'
            when valued.is_unreliable then 'unreliable'
            when coalesce(definitions.benchmark_low, definitions.benchmark_high, definitions.act_below) is null
                then 'no benchmark'
            when valued.value_high < definitions.act_below then 'needs work'
            when valued.value_high < definitions.benchmark_low then 'below'
            when valued.value_low > definitions.benchmark_high then 'above'
            when valued.value_low >= coalesce(definitions.benchmark_low, definitions.act_below, valued.value_low)
                and valued.value_high <= coalesce(definitions.benchmark_high, valued.value_high)
                then 'inside'
            else 'cannot tell'
        end as status,
        {{ kpi_rule("definitions") }} as rule,
        definitions.source,
        definitions.advice,
        definitions.vertical
    from valued
    inner join definitions on valued.kpi_name = definitions.kpi_name

)

select * from mart_kpis
