{%- set horizon = (var("evidence_horizon_days") * 86400000000) | int %}
{%- set control_names = ["control", "original", "baseline", "default", "off", "0", "a"] %}

with exposures as (

    select
        *,
        {{ micros_of_timestamp("exposed_at") }} as exposed_timestamp
    from {{ ref("fct_experiment_exposures") }}

),

matched_exposures as (

    select * from {{ ref("int_experiment_exposures_matched") }}
    where rejection_reason is null

),

plans as (

    select * from {{ ref("experiment_variants") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

counted_variants as (

    select
        exposures.experiment_name,
        exposures.variant_name,
        sum(case when exposures.is_comparable then 1 else 0 end) as exposed_count,
        sum(
            case
                when exposures.is_comparable and exposures.exposed_timestamp + {{ horizon }} <= as_of.as_of_timestamp
                    then 1
                else 0
            end
        ) as followed_count,
        sum(case when exposures.variant_count > 1 then 1 else 0 end) as switched_count,
        sum(case when exposures.exclusion_reason is not null then 1 else 0 end) as excluded_count,
        min(case when exposures.is_comparable then exposures.exposure_date end) as first_exposure_date,
        max(case when exposures.is_comparable then exposures.exposure_date end) as last_exposure_date
    from exposures
    cross join as_of
    group by exposures.experiment_name, exposures.variant_name

),

consentless_exposures as (

    select
        experiment_name,
        variant_name,
        sum(event_count) as consentless_exposure_count
    from matched_exposures
    where user_pseudo_id is null
    group by experiment_name, variant_name

),

planned_experiments as (

    select distinct experiment_name
    from plans

),

known_variants as (

    select
        counted_variants.*,
        coalesce(consentless_exposures.consentless_exposure_count, 0) as consentless_exposure_count,
        planned_experiments.experiment_name is not null as is_planned,
        plans.role,
        case
            when planned_experiments.experiment_name is null then cast(1 as {{ type_float64() }})
            else cast(plans.planned_weight as {{ type_float64() }})
        end as planned_weight,
        row_number() over (
            partition by counted_variants.experiment_name
            order by counted_variants.exposed_count desc, counted_variants.variant_name asc
        ) as variant_rank,
        count(*) over (partition by counted_variants.experiment_name) as variant_count,
        row_number() over (
            partition by counted_variants.experiment_name
            order by
                case lower(counted_variants.variant_name)
                    {%- for name in control_names %}
                    when '{{ name }}' then {{ loop.index }}
                    {%- endfor %}
                    else {{ control_names | length + 1 }}
                end,
                counted_variants.variant_name
        ) as control_rank
    from counted_variants
    left join consentless_exposures
        on counted_variants.experiment_name = consentless_exposures.experiment_name
        and counted_variants.variant_name = consentless_exposures.variant_name
    left join planned_experiments on counted_variants.experiment_name = planned_experiments.experiment_name
    left join plans
        on counted_variants.experiment_name = plans.experiment_name
        and counted_variants.variant_name = plans.variant_name

),

ranked_experiments as (

    -- Names come from outside: as many rows as somebody sent names would be no mart.
    select
        experiment_name,
        row_number() over (order by sum(exposed_count) desc, experiment_name asc) as experiment_rank
    from known_variants
    group by experiment_name

),

int_experiment_variants as (

    select
        known_variants.experiment_name,
        known_variants.variant_name,
        case
            when known_variants.is_planned then coalesce(known_variants.role = 'control', false)
            else known_variants.control_rank = 1
        end as is_control,
        known_variants.planned_weight,
        cast(known_variants.variant_count as int64) as variant_count,
        cast(known_variants.exposed_count as int64) as exposed_count,
        cast(known_variants.followed_count as int64) as followed_count,
        cast(known_variants.exposed_count - known_variants.followed_count as int64) as immature_count,
        cast(known_variants.switched_count as int64) as switched_count,
        cast(known_variants.excluded_count as int64) as excluded_count,
        cast(known_variants.consentless_exposure_count as int64) as consentless_exposure_count,
        known_variants.first_exposure_date,
        known_variants.last_exposure_date
    from known_variants
    inner join ranked_experiments on known_variants.experiment_name = ranked_experiments.experiment_name
    where ranked_experiments.experiment_rank <= {{ var("largest_experiments") }}
        and known_variants.variant_rank <= {{ var("largest_segments") }}

)

select * from int_experiment_variants
