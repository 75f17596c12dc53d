with variants as (

    select * from {{ ref("int_experiment_variants") }}

),

conversions as (

    select * from {{ ref("int_experiment_conversions") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

catalog as (

    select
        conversion_name,
        conversion_type
    from {{ ref("dim_conversions") }}
    where conversion_type in ('macro', 'micro')

),

definitions as (

    {{ definitions_version() }}

),

measures as (

    select
        macros.conversion_name as macro_name,
        catalog.conversion_name,
        catalog.conversion_type
    from catalog as macros
    inner join catalog
        on macros.conversion_type = 'macro'
        and (catalog.conversion_type = 'micro' or macros.conversion_name = catalog.conversion_name)

),

macro_conversions as (

    select
        experiment_name,
        visitor_id,
        conversion_name as macro_name,
        first_timestamp as macro_timestamp
    from conversions
    where conversion_type = 'macro'

),

counted_conversions as (

    -- A micro-conversion counts for a macro unless it came with it or only after it.
    select
        conversions.experiment_name,
        conversions.variant_name,
        measures.macro_name,
        measures.conversion_name,
        count(*) as converted_count,
        sum(
            case
                when measures.conversion_type = 'macro' then 1
                when conversions.first_timestamp < macro_conversions.macro_timestamp then 1
                when macro_conversions.macro_timestamp is null then 1
                else 0
            end
        ) as eligible_count,
        sum(
            case
                when measures.conversion_type = 'macro' then 1
                when conversions.first_timestamp < macro_conversions.macro_timestamp then 1
                else 0
            end
        ) as joint_count,
        sum(conversions.value_micros) as value_micros,
        {{ squared_hundredths("conversions.value_micros / 1000000.0") }} as squared_hundredths
    from conversions
    inner join measures on conversions.conversion_name = measures.conversion_name
    left join macro_conversions
        on conversions.experiment_name = macro_conversions.experiment_name
        and conversions.visitor_id = macro_conversions.visitor_id
        and measures.macro_name = macro_conversions.macro_name
    group by
        conversions.experiment_name, conversions.variant_name, measures.macro_name, measures.conversion_name

),

counted_measures as (

    select
        variants.*,
        measures.macro_name,
        measures.conversion_name,
        measures.conversion_type,
        cast(coalesce(counted_conversions.converted_count, 0) as int64) as converted_count,
        cast(coalesce(counted_conversions.eligible_count, 0) as int64) as eligible_count,
        cast(coalesce(counted_conversions.joint_count, 0) as int64) as joint_count,
        case
            when measures.conversion_type = 'macro'
                then cast(coalesce(counted_conversions.value_micros, 0) as int64) / 1000000.0
        end as revenue_usd,
        case
            when measures.conversion_type = 'macro'
                then cast(coalesce(counted_conversions.squared_hundredths, 0) as int64) / 100.0
        end as revenue_usd_squared
    from variants
    cross join measures
    left join counted_conversions
        on variants.experiment_name = counted_conversions.experiment_name
        and variants.variant_name = counted_conversions.variant_name
        and measures.macro_name = counted_conversions.macro_name
        and measures.conversion_name = counted_conversions.conversion_name

),

mart_experiments as (

    select
        counted_measures.experiment_name,
        counted_measures.variant_name,
        counted_measures.macro_name,
        counted_measures.conversion_name,
        counted_measures.conversion_type,
        counted_measures.is_control,
        counted_measures.planned_weight,
        counted_measures.variant_count,
        counted_measures.exposed_count,
        counted_measures.followed_count,
        counted_measures.immature_count,
        counted_measures.switched_count,
        counted_measures.excluded_count,
        counted_measures.consentless_exposure_count,
        counted_measures.first_exposure_date,
        counted_measures.last_exposure_date,
        counted_measures.converted_count,
        {{ rate_columns("counted_measures.converted_count", "counted_measures.followed_count", "conversion_rate") }},
        counted_measures.eligible_count,
        counted_measures.joint_count,
        counted_measures.revenue_usd,
        counted_measures.revenue_usd_squared,
        cast({{ var("evidence_horizon_days") | int }} as int64) as horizon_days,
        as_of.as_of_date,
        definitions.definitions_version
    from counted_measures
    cross join as_of
    cross join definitions

)

select * from mart_experiments
