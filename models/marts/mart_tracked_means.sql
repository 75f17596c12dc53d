{{
    config(
        partition_by=bigquery_only({"field": "mean_date", "data_type": "date"}),
        cluster_by=bigquery_only(["segment_dimension", "metric_kind", "metric_name"]),
    )
}}

{%- set cell = ["mean_date", "metric_kind", "metric_name", "segment_dimension", "segment_value"] %}
{%- set buckets = visitor_bucket_count() %}
{%- set variants = [{"segment_dimension": "'all'", "segment_value": "'all'"}] %}
{%- for dimension in watched_dimensions() %}
    {%- do variants.append({"segment_dimension": "'" ~ dimension ~ "'", "segment_value": dimension}) %}
{%- endfor %}
{#- What a sale is made of: name, label, unit, of how many, and what of them. -#}
{%- set revenue_means = [
    ("revenue_per_visit", "Revenue per visit", "usd", "visit_count", "revenue_millionths"),
    ("paid_sale_share", "Sales that come with revenue", "share", "sale_count", "paid_sale_count * 1000000"),
    ("revenue_per_sale", "Revenue per sale", "usd", "paid_sale_count", "revenue_millionths"),
] %}

with visits as (

    select * from {{ ref("int_sessions_watched") }}

),

sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

export_days as (

    select * from {{ ref("int_export_days_counted") }}

),

definitions as (

    select
        *,
        case
            when measure = 'mean_days' then 'days'
            when unit = 'occurrence' and numerator = 'value_usd' then 'usd'
            when unit = 'occurrence' and numerator = 'engaged_seconds_on_page' then 'seconds'
            else 'number'
        end as value_unit
    from {{ ref("kpi_definitions") }}
    where measure in ('mean', 'mean_days')

),

kpi_parts as (

    select * from {{ ref("int_kpi_parts_counted") }}
    where grain_number = 2

),

{{ segment_names("sessions") }},

visits_of_segments as (

    {{ row_per_variant(
        "visits", ["session_date", "bucket_number", "sale_count", "paid_sale_count", "revenue_usd"], variants
    ) }}

),

sales_counted as (

    select
        session_date,
        segment_dimension,
        segment_value,
        bucket_number,
        count(*) as visit_count,
        sum(sale_count) as sale_count,
        sum(paid_sale_count) as paid_sale_count,
        sum(cast(round(revenue_usd * 1000000) as int64)) as revenue_millionths
    from visits_of_segments
    -- Where nothing is sold no money is watched.
    where exists (select 1 from visits where visits.paid_sale_count > 0)
    group by session_date, segment_dimension, segment_value, bucket_number

),

parts as (

    {%- for name, label, unit, size, measured in revenue_means %}
    select
        session_date as mean_date,
        'revenue' as metric_kind,
        '{{ name }}' as metric_name,
        segment_dimension,
        segment_value,
        bucket_number,
        {{ size }} as unit_count,
        {{ measured }} as value_millionths,
        0 as immature_count
    from sales_counted

    union all
    {% endfor %}
    select
        kpi_parts.period_start_date as mean_date,
        'kpi' as metric_kind,
        kpi_parts.kpi_name as metric_name,
        segment_names.segment_dimension,
        segment_names.segment_value,
        kpi_parts.bucket_number,
        case when definitions.denominator = 'all' then kpi_parts.all_count else kpi_parts.base_count end as unit_count,
        case
            when definitions.denominator = 'all' then kpi_parts.other_millionths else kpi_parts.base_millionths
        end as value_millionths,
        kpi_parts.immature_count
    from kpi_parts
    inner join definitions on kpi_parts.kpi_name = definitions.kpi_name
    inner join segment_names
        on kpi_parts.dimension_number = segment_names.dimension_number
        and kpi_parts.segment_number = segment_names.segment_number

),

measured_parts as (

    select
        *,
        sum(unit_count) over cell as cell_unit_count,
        sum(value_millionths) over cell as cell_value_millionths
    from parts
    window cell as (partition by {{ cell | join(", ") }})

),

deviations as (

    -- How far a bucket of visitors is from what the mean over all of them promises.
    select
        *,
        (value_millionths - unit_count * (cell_value_millionths / nullif(cell_unit_count, 0))) / 1000000.0 as deviation
    from measured_parts

),

totals as (

    -- Squares are added in a fixed order: the same sum to the last digit on every run.
    select
        {{ cell | join(", ") }},
        sum(unit_count) as unit_count,
        sum(value_millionths) / 1000000.0 as value_sum,
        sum(immature_count) as immature_count,
        sum(case when unit_count > 0 then 1 else 0 end) as bucket_count,
        {{ squared_deviation(buckets) }} as squared_deviation
    from deviations
    group by {{ cell | join(", ") }}

),

labels as (

    {%- for name, label, unit, size, measured in revenue_means %}
    select
        'revenue' as metric_kind,
        '{{ name }}' as metric_name,
        '{{ label }}' as metric_label,
        '{{ unit }}' as value_unit

    union all
    {% endfor %}
    select
        'kpi' as metric_kind,
        kpi_name as metric_name,
        label as metric_label,
        value_unit
    from definitions

),

mart_tracked_means as (

    select
        totals.mean_date,
        totals.metric_kind,
        totals.metric_name,
        labels.metric_label,
        labels.value_unit,
        totals.segment_dimension,
        totals.segment_value,
        cast(totals.unit_count as int64) as unit_count,
        cast(totals.value_sum as {{ type_float64() }}) as value_sum,
        case
            when totals.bucket_count >= 2
                then cast(
                    totals.squared_deviation * totals.bucket_count / (totals.bucket_count - 1) as {{ type_float64() }}
                )
        end as sum_variance,
        cast(totals.bucket_count as int64) as bucket_count,
        totals.immature_count = 0 and coalesce(export_days.is_final, false) as is_mature
    from totals
    inner join labels
        on totals.metric_kind = labels.metric_kind
        and totals.metric_name = labels.metric_name
    left join export_days on totals.mean_date = export_days.event_date
    where totals.unit_count > 0
        or totals.segment_dimension = 'all'

)

select * from mart_tracked_means
