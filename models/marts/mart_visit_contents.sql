{{
    config(
        cluster_by=bigquery_only(["macro_name", "visit_role"]),
    )
}}

{%- set last_index = 5 %}
{%- set horizon = (var("evidence_horizon_days") | int) * 86400000000 %}

with visits as (

    select * from {{ ref("int_visits_numbered") }}

),

cycles as (

    select * from {{ ref("int_sales_cycles_measured") }}

),

micro_conversions as (

    select * from {{ ref("fct_micro_conversions") }}
    where session_id is not null
        and exclusion_reason is null

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

beginnings as (

    select sum(case when is_beginning_known then 0 else 1 end) as unknown_beginning_count
    from visits
    where visit_number = 1

),

numbered_visits as (

    select
        visits.visitor_id,
        visits.session_id,
        visits.visit_number,
        least(visits.visit_number, {{ last_index }}) as visit_index,
        case when visits.ended_timestamp + {{ horizon }} < as_of.as_of_timestamp then 1 else 0 end as is_followed
    from visits
    cross join as_of
    where visits.is_beginning_known

),

visits_of_converters as (

    -- What comes after the first macro-conversion has no role.
    select
        cycles.macro_name,
        cycles.converted_timestamp,
        numbered_visits.session_id,
        numbered_visits.visit_index,
        numbered_visits.is_followed,
        case
            when numbered_visits.visit_number = cycles.cycle_visit_count and cycles.is_in_visit then 'converting'
            when numbered_visits.visit_number <= cycles.cycle_visit_count then 'before'
        end as visit_role
    from cycles
    inner join numbered_visits on cycles.visitor_id = numbered_visits.visitor_id

),

first_micros as (

    select
        session_id,
        conversion_name as micro_name,
        min({{ micros_of_timestamp("occurred_at") }}) as first_timestamp
    from micro_conversions
    group by session_id, conversion_name

),

followed_visits as (

    select
        visit_index,
        sum(is_followed) as session_count
    from numbered_visits
    group by visit_index

),

followed_micros as (

    select
        numbered_visits.visit_index,
        first_micros.micro_name,
        sum(numbered_visits.is_followed) as session_count
    from numbered_visits
    inner join first_micros on numbered_visits.session_id = first_micros.session_id
    group by numbered_visits.visit_index, first_micros.micro_name

),

converter_visits as (

    select
        macro_name,
        visit_role,
        visit_index,
        count(*) as session_count,
        sum(is_followed) as followed_session_count
    from visits_of_converters
    group by macro_name, visit_role, visit_index

),

converter_micros as (

    -- What was done at the very moment of the macro-conversion or later was not before it.
    select
        visits_of_converters.macro_name,
        visits_of_converters.visit_role,
        visits_of_converters.visit_index,
        first_micros.micro_name,
        sum(
            case when first_micros.first_timestamp < visits_of_converters.converted_timestamp then 1 else 0 end
        ) as session_count,
        sum(visits_of_converters.is_followed) as followed_session_count
    from visits_of_converters
    inner join first_micros on visits_of_converters.session_id = first_micros.session_id
    group by
        visits_of_converters.macro_name,
        visits_of_converters.visit_role,
        visits_of_converters.visit_index,
        first_micros.micro_name

),

-- Visits without a conversion are everybody's less those of whoever converted: everybody's are counted once for all
-- macro-conversions.
visit_counts as (

    select
        macro_name,
        visit_role,
        visit_index,
        session_count
    from converter_visits
    where visit_role is not null

    union all

    select
        macro_name,
        'without' as visit_role,
        visit_index,
        -followed_session_count as session_count
    from converter_visits

    union all

    select
        conversions.conversion_name as macro_name,
        'without' as visit_role,
        followed_visits.visit_index,
        followed_visits.session_count
    from conversions
    cross join followed_visits
    where conversions.conversion_type = 'macro'

),

micro_counts as (

    select
        macro_name,
        visit_role,
        visit_index,
        micro_name,
        session_count
    from converter_micros
    where visit_role is not null

    union all

    select
        macro_name,
        'without' as visit_role,
        visit_index,
        micro_name,
        -followed_session_count as session_count
    from converter_micros

    union all

    select
        conversions.conversion_name as macro_name,
        'without' as visit_role,
        followed_micros.visit_index,
        followed_micros.micro_name,
        followed_micros.session_count
    from conversions
    cross join followed_micros
    where conversions.conversion_type = 'macro'

),

visit_sums as (

    select
        macro_name,
        visit_role,
        visit_index,
        cast(sum(session_count) as int64) as session_count
    from visit_counts
    group by macro_name, visit_role, visit_index

),

micro_sums as (

    select
        macro_name,
        visit_role,
        visit_index,
        micro_name,
        cast(sum(session_count) as int64) as session_count
    from micro_counts
    group by macro_name, visit_role, visit_index, micro_name

),

contents as (

    select
        visit_sums.macro_name,
        visit_sums.visit_role,
        cast(visit_sums.visit_index as int64) as visit_index,
        conversions.conversion_name as micro_name,
        conversions.label as micro_label,
        visit_sums.session_count,
        coalesce(micro_sums.session_count, 0) as session_with_micro_count,
        cast(coalesce(beginnings.unknown_beginning_count, 0) as int64) as unknown_beginning_count
    from visit_sums
    cross join conversions
    cross join beginnings
    left join micro_sums
        on visit_sums.macro_name = micro_sums.macro_name
        and visit_sums.visit_role = micro_sums.visit_role
        and visit_sums.visit_index = micro_sums.visit_index
        and conversions.conversion_name = micro_sums.micro_name
    where conversions.conversion_type = 'micro'
        and visit_sums.session_count > 0

),

mart_visit_contents as (

    select
        macro_name,
        visit_role,
        visit_index,
        cast(visit_index as {{ dbt.type_string() }})
        || case when visit_index = {{ last_index }} then '+' else '' end as visit_label,
        micro_name,
        micro_label,
        session_count,
        session_with_micro_count,
{{ rate_columns("session_with_micro_count", "session_count", "micro_rate") }},
        unknown_beginning_count
    from contents

)

select * from mart_visit_contents
