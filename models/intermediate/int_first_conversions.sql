{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "first_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name", "visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

{%- set is_by_day = var("evidence_clock") == "active_day" %}
{%- set near = "unbounded" if is_by_day else 1800000000 %}

with {{ evidence_conversions() }},

steps as (

    select
        *,
        {{ "subject_id || cast(step_date as " ~ dbt.type_string() ~ ")" if is_by_day else "session_id" }} as visit_id
    from {{ ref("int_clock_steps") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

moments as (

    select
        {{ "subject_id || cast(conversion_date as " ~ dbt.type_string() ~ ")" if is_by_day
            else "coalesce(session_id, conversion_event_id)" }} as visit_id,
        subject_id,
        visitor_id,
        conversion_name,
        conversion_type,
        coalesce(session_id, '') as session_id,
        conversion_date,
        event_timestamp as moment,
        cast(null as int64) as step_timestamp
    from evidence_conversions

    union all

    select
        visit_id,
        subject_id,
        visitor_id,
        cast(null as {{ dbt.type_string() }}) as conversion_name,
        cast(null as {{ dbt.type_string() }}) as conversion_type,
        cast(null as {{ dbt.type_string() }}) as session_id,
        cast(null as date) as conversion_date,
        step_timestamp as moment,
        step_timestamp
    from steps

),

occurrences as (

    select
        *,
        count(step_timestamp) over (
            partition by visit_id
            order by moment
            range between {{ near }} preceding and {{ near }} following
        ) > 0 as is_in_session,
        max(step_timestamp) over (
            partition by visit_id
            order by moment
            range between unbounded preceding and current row
        ) as visit_step_timestamp
    from moments

),

first_occurrences as (

    select
        subject_id,
        conversion_name,
        min(visitor_id) as visitor_id,
        min(conversion_type) as conversion_type,
        min(moment) as first_timestamp,
        min(conversion_date) as first_date,
        {{ first_by("coalesce(visit_step_timestamp, 0)", ["moment", "session_id"], "true") }} as visit_step_timestamp,
        count(*) as occurrence_count,
        sum(case when is_in_session then 1 else 0 end) as in_session_occurrence_count
    from occurrences
    where conversion_name is not null
    group by subject_id, conversion_name

),

firsts_and_steps as (

    select
        *,
        cast(null as int64) as step_timestamp,
        first_timestamp as moment
    from first_occurrences

    union all

    select
        subject_id,
        cast(null as {{ dbt.type_string() }}) as conversion_name,
        cast(null as {{ dbt.type_string() }}) as visitor_id,
        cast(null as {{ dbt.type_string() }}) as conversion_type,
        cast(null as int64) as first_timestamp,
        cast(null as date) as first_date,
        cast(null as int64) as visit_step_timestamp,
        cast(null as int64) as occurrence_count,
        cast(null as int64) as in_session_occurrence_count,
        step_timestamp,
        step_timestamp as moment
    from steps

),

placed_firsts as (

    select
        *,
        max(step_timestamp) over (
            partition by subject_id
            order by moment
            range between unbounded preceding and current row
        ) as last_step_timestamp
    from firsts_and_steps

),

placebo_steps as (

    select
        subject_id,
        visitor_id,
        step_date,
        step_timestamp,
        {%- for name, share in placebo_shares().items() %}
        {{ hash_bucket(
            "subject_id || '|' || cast(step_timestamp as " ~ dbt.type_string() ~ ")", 1000, loop.index0
        ) }} < {{ share }} as is_{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from steps

),

int_first_conversions as (

    select
        subject_id,
        visitor_id,
        conversion_name,
        conversion_type,
        first_timestamp,
        first_date,
        last_step_timestamp as step_timestamp,
        coalesce(last_step_timestamp = visit_step_timestamp, false) as is_on_step,
        cast(occurrence_count as int64) as occurrence_count,
        cast(in_session_occurrence_count as int64) as in_session_occurrence_count
    from placed_firsts
    where conversion_name is not null
    {%- for name in placebo_shares() %}

    union all

    select
        subject_id,
        min(visitor_id) as visitor_id,
        '{{ name }}' as conversion_name,
        'placebo' as conversion_type,
        min(step_timestamp) as first_timestamp,
        min(step_date) as first_date,
        min(step_timestamp) as step_timestamp,
        true as is_on_step,
        1 as occurrence_count,
        1 as in_session_occurrence_count
    from placebo_steps
    where is_{{ name }}
    group by subject_id
    {%- endfor %}

)

select * from int_first_conversions
