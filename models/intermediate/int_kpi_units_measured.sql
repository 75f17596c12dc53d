{{
    config(
        cluster_by=bigquery_only(["kpi_name"]),
    )
}}

with definitions as (

    select * from {{ ref("kpi_definitions") }}

),

sessions as (

    select * from {{ ref("int_kpi_sessions_measured") }}

),

visitors as (

    select * from {{ ref("int_kpi_visitors_measured") }}

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted
        and exclusion_reason is null
        and visitor_id is not null

),

occurrences as (

    select
        definitions.kpi_name,
        conversions.visitor_id,
        conversions.session_id,
        conversions.conversion_event_id as unit_id,
        conversions.conversion_date as unit_date,
        cast(
            case definitions.numerator
                when 'engaged_seconds_on_page' then conversions.engaged_seconds_on_page
                when 'page_depth' then conversions.page_depth
                when 'value_usd' then conversions.value_usd
            end as {{ type_float64() }}
        ) as amount
    from definitions
    inner join conversions on definitions.denominator = conversions.conversion_name
    where definitions.unit = 'occurrence'

),

units as (

    select
        kpi_name,
        visitor_id,
        session_id,
        session_id as unit_id,
        unit_date,
        true as is_mature,
        is_base,
        happening_count,
        kind_count,
        cast(null as {{ type_float64() }}) as amount
    from sessions

    union all

    select
        kpi_name,
        visitor_id,
        session_id,
        visitor_id as unit_id,
        unit_date,
        is_mature,
        true as is_base,
        happening_count,
        kind_count,
        days_until as amount
    from visitors

    union all

    -- Of what is not known there is no mean.
    select
        kpi_name,
        visitor_id,
        session_id,
        unit_id,
        unit_date,
        true as is_mature,
        true as is_base,
        1 as happening_count,
        1 as kind_count,
        amount
    from occurrences
    where amount is not null

),

int_kpi_units_measured as (

    -- A number per unit in millionths: whole, so that no order of adding shows.
    select
        units.kpi_name,
        units.unit_id,
        units.session_id,
        units.unit_date,
        {{ visitor_bucket("units.visitor_id") }} as bucket_number,
        units.is_mature,
        units.is_base and (definitions.measure <> 'mean_days' or units.amount is not null) as is_base,
        cast(
            round(
                1000000 * case
                    when definitions.measure in ('share', 'times') then least(units.happening_count, 1)
                    when definitions.measure = 'distinct' then units.kind_count
                    when definitions.measure = 'mean_days' or definitions.unit = 'occurrence'
                        then coalesce(units.amount, 0)
                    else units.happening_count
                end
            ) as int64
        ) as measured_millionths
    from units
    inner join definitions on units.kpi_name = definitions.kpi_name

)

select * from int_kpi_units_measured
