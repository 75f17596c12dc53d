{{
    config(
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}

{%- set other_number = (var("largest_segments") | int) + 1 %}

with visits as (

    select * from {{ ref("int_visits_numbered") }}

),

people as (

    select * from {{ ref("dim_visitors") }}

),

beginnings as (

    select
        visitor_id,
        min(session_date) as first_visit_date,
        min(started_timestamp) as first_visit_timestamp,
        min(case when visit_number = 2 then started_timestamp end) as second_visit_timestamp,
        max(visit_number) as visit_count,
        max(case when visit_number = 1 then device_category end) as device_category,
        max(case when is_beginning_known then 1 else 0 end) = 1 as is_beginning_known
    from visits
    group by visitor_id

),

visitors as (

    select
        beginnings.visitor_id,
        beginnings.first_visit_date,
        beginnings.first_visit_timestamp,
        beginnings.second_visit_timestamp,
        beginnings.visit_count,
        beginnings.is_beginning_known,
        coalesce(people.first_touch_channel_group, '(unknown)') as first_touch_channel_group,
        coalesce(people.first_touch_source, '(unknown)') as first_touch_source,
        coalesce(beginnings.device_category, '(unknown)') as device_category
    from beginnings
    inner join people on beginnings.visitor_id = people.visitor_id

),

{%- for dimension in visitor_segments() %}

ranked_{{ dimension }} as (

    select
        {{ dimension }},
        case
            when {{ dimension }} = '(other)' then {{ other_number }}
            else least(
                row_number() over (
                    order by sum(case when is_beginning_known then 1 else 0 end) desc, {{ dimension }}
                ), {{ other_number }}
            )
        end as value_number
    from visitors
    group by {{ dimension }}

),
{%- endfor %}

int_visitors_segmented as (

    select
        visitors.visitor_id,
        visitors.first_visit_date,
        visitors.first_visit_timestamp,
        visitors.second_visit_timestamp,
        visitors.visit_count,
        visitors.is_beginning_known,
        {%- for dimension in visitor_segments() %}
        case
            when ranked_{{ dimension }}.value_number < {{ other_number }} then visitors.{{ dimension }}
            else '(other)'
        end as {{ dimension }},
        cast(ranked_{{ dimension }}.value_number as int64) as {{ dimension }}_number{{ "," if not loop.last }}
        {%- endfor %}
    from visitors
    {%- for dimension in visitor_segments() %}
    inner join ranked_{{ dimension }} on visitors.{{ dimension }} = ranked_{{ dimension }}.{{ dimension }}
    {%- endfor %}

)

select * from int_visitors_segmented
