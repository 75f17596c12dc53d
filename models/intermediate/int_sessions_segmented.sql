{%- set dimensions = session_segments("sessions") %}

with sessions as (

    select * from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

values_of_sessions as (

    select
        sessions.session_id,
        sessions.visitor_id,
        sessions.session_date,
        {%- for dimension, expression in dimensions.items() %}
        coalesce({{ expression }}, '(unknown)') as {{ dimension }}{{ "," if not loop.last }}
        {%- endfor %}
    from sessions

),

{%- for dimension in dimensions %}

ranked_{{ dimension }} as (

    select
        {{ dimension }},
        case
            when row_number() over (order by count(*) desc, {{ dimension }}) <= {{ var("largest_segments") }}
                then {{ dimension }}
            else '(other)'
        end as named_{{ dimension }}
    from values_of_sessions
    group by {{ dimension }}

),
{%- endfor %}

int_sessions_segmented as (

    select
        values_of_sessions.session_id,
        values_of_sessions.visitor_id,
        values_of_sessions.session_date,
        {%- for dimension in dimensions %}
        ranked_{{ dimension }}.named_{{ dimension }} as {{ dimension }}{{ "," if not loop.last }}
        {%- endfor %}
    from values_of_sessions
    {%- for dimension in dimensions %}
    inner join ranked_{{ dimension }} on values_of_sessions.{{ dimension }} = ranked_{{ dimension }}.{{ dimension }}
    {%- endfor %}

)

select * from int_sessions_segmented
