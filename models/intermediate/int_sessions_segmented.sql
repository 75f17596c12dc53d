{{
    config(
        partition_by=bigquery_only({"field": "session_date", "data_type": "date"}),
        cluster_by=bigquery_only(["session_id"]),
    )
}}

{%- set dimensions = session_segments("sessions") %}
{%- set number_buckets = visitor_number_base() %}

with sessions as (

    select * from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

visitors as (

    select
        visitor_id,
        {{ hash_bucket("visitor_id", number_buckets) }} as visitor_bucket
    from sessions
    group by visitor_id

),

numbered_visitors as (

    -- Counting distinct numbers costs a fraction of counting distinct texts. Numbered within buckets, so that
    -- no machine has to sort all visitors.
    select
        visitor_id,
        (row_number() over (partition by visitor_bucket order by visitor_id) - 1) * {{ number_buckets }}
        + visitor_bucket as visitor_number
    from visitors

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
            when {{ dimension }} = '(other)' then {{ var("largest_segments") + 1 }}
            else least(row_number() over (order by count(*) desc, {{ dimension }}), {{ var("largest_segments") + 1 }})
        end as value_number
    from values_of_sessions
    group by {{ dimension }}

),
{%- endfor %}

int_sessions_segmented as (

    select
        values_of_sessions.session_id,
        values_of_sessions.visitor_id,
        cast(numbered_visitors.visitor_number as int64) as visitor_number,
        values_of_sessions.session_date,
        {%- for dimension in dimensions %}
        case
            when ranked_{{ dimension }}.value_number <= {{ var("largest_segments") }}
                then values_of_sessions.{{ dimension }}
            else '(other)'
        end as {{ dimension }},
        cast(ranked_{{ dimension }}.value_number as int64) as {{ dimension }}_number{{ "," if not loop.last }}
        {%- endfor %}
    from values_of_sessions
    inner join numbered_visitors on values_of_sessions.visitor_id = numbered_visitors.visitor_id
    {%- for dimension in dimensions %}
    inner join ranked_{{ dimension }} on values_of_sessions.{{ dimension }} = ranked_{{ dimension }}.{{ dimension }}
    {%- endfor %}

)

select * from int_sessions_segmented
