{%- set horizon = (var("evidence_horizon_days") * 86400000000) | int %}

with exposures as (

    select
        *,
        {{ micros_of_timestamp("exposed_at") }} as exposed_timestamp
    from {{ ref("fct_experiment_exposures") }}
    where is_comparable

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted
        and exclusion_reason is null
        and visitor_id is not null

),

followed_exposures as (

    select exposures.*
    from exposures
    cross join as_of
    where exposures.exposed_timestamp + {{ horizon }} <= as_of.as_of_timestamp

),

int_experiment_conversions as (

    -- The same moment is never after: what came with the page of the exposure was under way without it.
    select
        followed_exposures.experiment_name,
        followed_exposures.variant_name,
        followed_exposures.visitor_id,
        conversions.conversion_name,
        conversions.conversion_type,
        min(conversions.event_timestamp) as first_timestamp,
        cast(sum(cast(round(coalesce(conversions.value_usd, 0) * 1000000) as int64)) as int64) as value_micros
    from followed_exposures
    inner join conversions
        on followed_exposures.visitor_id = conversions.visitor_id
        and followed_exposures.exposed_timestamp < conversions.event_timestamp
        and followed_exposures.exposed_timestamp + {{ horizon }} >= conversions.event_timestamp
    group by
        followed_exposures.experiment_name,
        followed_exposures.variant_name,
        followed_exposures.visitor_id,
        conversions.conversion_name,
        conversions.conversion_type

)

select * from int_experiment_conversions
