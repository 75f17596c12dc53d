{{
    config(
        cluster_by=bigquery_only(["macro_name", "visitor_id"]),
    )
}}

with conversions as (

    select * from {{ ref("fct_macro_conversions") }}
    where visitor_id is not null
        and exclusion_reason is null

),

visits as (

    select * from {{ ref("int_visits_numbered") }}
    where is_beginning_known

),

first_macros as (

    select
        conversion_name as macro_name,
        visitor_id,
        session_id,
        {{ micros_of_timestamp("occurred_at") }} as converted_timestamp
    from conversions
    qualify row_number() over (
        partition by conversion_name, visitor_id
        order by occurred_at, conversion_event_id
    ) = 1

),

placed as (

    -- In which visit it happened and, for what happened in none, how many had begun by then.
    select
        first_macros.macro_name,
        first_macros.visitor_id,
        first_macros.converted_timestamp,
        min(visits.started_timestamp) as first_visit_timestamp,
        max(
            case
                when visits.session_id = first_macros.session_id
                    and first_macros.converted_timestamp <= visits.ended_timestamp
                    then visits.visit_number
            end
        ) as converting_visit_number,
        sum(case when visits.started_timestamp <= first_macros.converted_timestamp then 1 else 0 end)
            as begun_visit_count
    from first_macros
    inner join visits on first_macros.visitor_id = visits.visitor_id
    group by first_macros.macro_name, first_macros.visitor_id, first_macros.converted_timestamp

),

int_sales_cycles_measured as (

    -- Whoever converted before the first visit, by a hit outside any, has no way from the one to the other.
    select
        macro_name,
        visitor_id,
        converted_timestamp,
        begun_visit_count = 0 as is_before_first_visit,
        converting_visit_number is not null as is_in_visit,
        case when begun_visit_count > 0 then converted_timestamp - first_visit_timestamp end as cycle_micros,
        case
            when begun_visit_count > 0 then cast(coalesce(converting_visit_number, begun_visit_count) as int64)
        end as cycle_visit_count
    from placed

)

select * from int_sales_cycles_measured
