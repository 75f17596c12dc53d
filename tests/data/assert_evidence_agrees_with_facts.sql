-- Evidence by visitor knows no more visitors, and no more conversions, than the facts; it counts the same decision
-- points in every table that has them.
with checks as (

    select * from {{ ref("mart_evidence_checks") }}

),

reached as (

    select * from {{ ref("mart_conversion_reach") }}

),

patterns as (

    select
        macro_name,
        sum(step_count) as step_count,
        sum(next_step_converted_count) as converted_count
    from {{ ref("mart_conversion_patterns") }}
    group by macro_name

),

points as (

    select
        macro_name,
        sum(step_count) as step_count,
        sum(next_step_converted_count) as converted_count
    from {{ ref("mart_decision_points") }}
    where exposure_state = 'all'
        and not is_bot
    group by macro_name

),

visitors as (

    select count(*) as visitor_count
    from {{ ref("dim_visitors") }}

),

facts as (

    select
        conversion_name,
        count(*) as conversion_count
    from {{ ref("fct_micro_conversions") }}
    where visitor_id is not null
    group by conversion_name

),

buyers as (

    select
        conversion_name,
        count(distinct visitor_id) as visitor_count
    from {{ ref("fct_macro_conversions") }}
    group by conversion_name

)

select
    'patterns and decision points differ' as problem,
    points.macro_name as conversion_name
from points
inner join patterns on points.macro_name = patterns.macro_name
where points.step_count <> patterns.step_count
    or points.converted_count <> patterns.converted_count

union all

select
    'checks and decision points differ' as problem,
    checks.macro_name as conversion_name
from checks
left join points on checks.macro_name = points.macro_name
where checks.decision_count <> coalesce(points.step_count, 0)

union all

select
    'more subjects than visitors' as problem,
    checks.macro_name as conversion_name
from checks
cross join visitors
where checks.subject = 'visitor'
    and checks.subject_count > visitors.visitor_count

union all

select
    'more occurrences than facts' as problem,
    reached.micro_name as conversion_name
from reached
left join facts on reached.micro_name = facts.conversion_name
where not reached.is_placebo
    and reached.occurrence_count > coalesce(facts.conversion_count, 0)

union all

select
    'more converted subjects than facts' as problem,
    reached.macro_name as conversion_name
from reached
inner join checks on reached.macro_name = checks.macro_name
left join buyers on reached.macro_name = buyers.conversion_name
where checks.subject = 'visitor'
    and reached.converted_subject_count > coalesce(buyers.visitor_count, 0)

union all

select
    'a part larger than the whole' as problem,
    micro_name as conversion_name
from reached
where first_micro_converted_count > first_micro_count
    or first_micro_count > first_micro_total_count
    or first_micro_total_count > with_subject_count
    or with_converted_count > with_subject_count
    or with_subject_count > subject_count
    or macro_preceded_count > first_macro_count
    or tracked_macro_count > first_macro_count
    or tracked_preceded_count > tracked_macro_count
    or tracked_preceded_count > macro_preceded_count
    or landmark_macro_count > first_macro_count
    or post_macro_occurrence_count > converter_occurrence_count
    or in_session_occurrence_count > occurrence_count
    or top_hundredth_revenue_usd > first_micro_revenue_usd
