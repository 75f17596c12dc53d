{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        on_schema_change="fail",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "exposure_date", "data_type": "date"}),
        cluster_by=bigquery_only(["experiment_name", "visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with exposures as (

    -- Without consent they are nobody's.
    select * from {{ ref("int_experiment_exposures_matched") }}
    where rejection_reason is null
        and user_pseudo_id is not null

),

sessions as (

    select * from {{ ref("int_sessions_attributed") }}

),

devices as (

    select * from {{ ref("int_visitor_devices_identified") }}

),

stitched_exposures as (

    -- Whose they are follows the same order as for conversions.
    select
        exposures.experiment_exposure_id,
        exposures.experiment_name,
        exposures.variant_name,
        coalesce(
            sessions.visitor_id, exposures.user_id_hash, devices.only_user_id_hash, exposures.user_pseudo_id
        ) as visitor_id,
        exposures.source_name,
        exposures.session_id,
        exposures.event_id,
        exposures.event_timestamp,
        exposures.event_date,
        exposures.event_count,
        sessions.exclusion_reason
    from exposures
    left join sessions on exposures.session_id = sessions.session_id
    left join devices on exposures.user_pseudo_id = devices.user_pseudo_id

),

visitor_exposures as (

    select * from stitched_exposures
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

seen_variants as (

    -- What was seen in an excluded session counts only where nothing was seen elsewhere.
    select
        visitor_id,
        experiment_name,
        count(distinct case when exclusion_reason is null then variant_name end) as variant_count,
        sum(case when exclusion_reason is null then event_count else 0 end) as exposure_count
    from visitor_exposures
    group by visitor_id, experiment_name

),

first_exposures as (

    select * from visitor_exposures
    qualify row_number() over (
        partition by visitor_id, experiment_name
        order by
            case when exclusion_reason is null then 0 else 1 end, event_timestamp, variant_name, experiment_exposure_id
    ) = 1

),

fct_experiment_exposures as (

    select
        first_exposures.experiment_exposure_id,
        first_exposures.experiment_name,
        first_exposures.variant_name,
        first_exposures.visitor_id,
        cast(seen_variants.variant_count as int64) as variant_count,
        seen_variants.variant_count = 1 as is_comparable,
        {{ timestamp_from_micros("first_exposures.event_timestamp") }} as exposed_at,
        first_exposures.event_date as exposure_date,
        cast(seen_variants.exposure_count as int64) as exposure_count,
        first_exposures.source_name,
        first_exposures.session_id,
        first_exposures.event_id,
        first_exposures.exclusion_reason
    from first_exposures
    inner join seen_variants
        on first_exposures.visitor_id = seen_variants.visitor_id
        and first_exposures.experiment_name = seen_variants.experiment_name

)

select * from fct_experiment_exposures
