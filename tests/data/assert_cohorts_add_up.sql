-- Both sides of a behaviour are everybody, and the strata of complete weeks are the cohorts at the horizon.
with cohorts as (

    select * from {{ ref("mart_cohorts") }}

),

strata as (

    select
        macro_name,
        cohort_week,
        behaviour_name,
        behaviour_group,
        sum(visitor_count) as visitor_count,
        sum(converted_count) as converted_count,
        sum(retained_count) as retained_count,
        sum(revenue_usd) as revenue_usd
    from {{ ref("mart_cohort_strata") }}
    group by macro_name, cohort_week, behaviour_name, behaviour_group

),

both_sides as (

    select
        macro_name,
        cohort_week,
        age_days,
        behaviour_name,
        sum(visitor_count) as visitor_count,
        sum(early_visitor_count) as early_visitor_count,
        sum(converted_count) as converted_count
    from cohorts
    where behaviour_kind in ('activation', 'micro_conversion')
    group by macro_name, cohort_week, age_days, behaviour_name

)

select
    'sides are not everybody' as problem,
    both_sides.macro_name,
    both_sides.cohort_week,
    both_sides.behaviour_name
from both_sides
inner join cohorts
    on both_sides.macro_name = cohorts.macro_name
    and both_sides.cohort_week = cohorts.cohort_week
    and both_sides.age_days = cohorts.age_days
    and cohorts.behaviour_kind = 'all'
where both_sides.visitor_count <> cohorts.visitor_count
    or both_sides.early_visitor_count <> cohorts.early_visitor_count
    or both_sides.converted_count <> cohorts.converted_count

union all

select
    'strata are not the cohort' as problem,
    coalesce(cohorts.macro_name, strata.macro_name) as macro_name,
    coalesce(cohorts.cohort_week, strata.cohort_week) as cohort_week,
    coalesce(cohorts.behaviour_name, strata.behaviour_name) as behaviour_name
from (
    select * from cohorts
    where is_complete
        and behaviour_kind <> 'all'
        and age_days = {{ var("evidence_horizon_days") }}
) as cohorts
full outer join strata
    on cohorts.macro_name = strata.macro_name
    and cohorts.cohort_week = strata.cohort_week
    and cohorts.behaviour_name = strata.behaviour_name
    and cohorts.behaviour_group = strata.behaviour_group
where coalesce(cohorts.visitor_count, 0) <> coalesce(strata.visitor_count, 0)
    or coalesce(cohorts.converted_count, 0) <> coalesce(strata.converted_count, 0)
    or coalesce(cohorts.retained_count, 0) <> coalesce(strata.retained_count, 0)
    or abs(coalesce(cohorts.revenue_usd, 0) - coalesce(strata.revenue_usd, 0)) > 0.001

union all

select
    'a part larger than the whole' as problem,
    macro_name,
    cohort_week,
    behaviour_name
from cohorts
where converted_count > visitor_count
    or retained_count > visitor_count
