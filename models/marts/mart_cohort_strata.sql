{%- set horizon_days = var("evidence_horizon_days") | int %}
{%- set stratum = ["macro_name", "cohort_week", "device_category", "channel_group", "bucket"] %}
{%- set profile = stratum + ["early_micro_mask", "early_micro_count", "is_activated"] %}
{%- set sums = ["visitor_count", "converted_count", "retained_count", "value_micros"] %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ evidence_conversions() }},

{{ cohort_outcomes([horizon_days]) }},

complete_weeks as (

    select distinct cohort_week
    from {{ ref("mart_cohorts") }}
    where is_complete
        and age_days = {{ horizon_days }}

),

complete_outcomes as (

    select cohort_outcomes.*
    from cohort_outcomes
    inner join complete_weeks on cohort_outcomes.cohort_week = complete_weeks.cohort_week
    where cohort_outcomes.is_early = 0

),

profiles as (

    select
        {{ profile | join(", ") }},
        count(*) as visitor_count,
        sum(converted_{{ horizon_days }}) as converted_count,
        sum(retained_{{ horizon_days }}) as retained_count,
        sum(value_micros_{{ horizon_days }}) as value_micros
    from complete_outcomes
    group by {{ profile | join(", ") }}

),

{{ cohort_behaviours(with_all=false) }},

sided as (

    select
        profiles.*,
        behaviours.behaviour_name,
        {{ behaviour_group() }} as behaviour_group
    from profiles
    cross join behaviours

),

summed as (

    select
        {{ stratum | join(", ") }},
        behaviour_name,
        behaviour_group,
        {%- for name in sums %}
        cast(sum({{ name }}) as int64) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from sided
    where behaviour_group is not null
    group by {{ stratum | join(", ") }}, behaviour_name, behaviour_group

),

mart_cohort_strata as (

    select
        macro_name,
        behaviour_name,
        behaviour_group,
        cohort_week,
        device_category,
        channel_group,
        bucket,
        visitor_count,
        converted_count,
        retained_count,
        value_micros / 1000000.0 as revenue_usd
    from summed

)

select * from mart_cohort_strata
