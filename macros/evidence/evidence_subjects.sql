{#- The CTE `known_subjects`: whoever was seen by the as-of. Needs the CTEs `evidence_window` and `busy_subjects`. -#}
{% macro evidence_subjects() -%}
known_subjects as (

    select
        subjects.*,
        subjects.is_suspected_bot or subjects.busiest_day_step_count > busy_subjects.most_steps_of_a_day as is_bot
    from {{ ref("int_evidence_subjects") }} as subjects
    cross join evidence_window
    cross join busy_subjects
    where subjects.first_step_timestamp < evidence_window.as_of_timestamp

)
{%- endmacro %}

{#- The CTEs that end in `known_firsts` (what subjects did for the first time by the as-of) and `known_sales` (all their
    macro-conversions). Needs the CTEs `evidence_window` and `known_subjects`. -#}
{% macro evidence_firsts() -%}
known_firsts as (

    select firsts.*
    from {{ ref("int_first_conversions") }} as firsts
    cross join evidence_window
    where firsts.first_timestamp < evidence_window.as_of_timestamp

),

known_sales as (

    select
        {{ "session_id" if var("evidence_subject") == "session" else "visitor_id" }} as subject_id,
        conversions.conversion_name as macro_name,
        conversions.event_timestamp,
        cast(round(coalesce(conversions.value_usd, 0) * 1000000) as int64) as value_micros
    from {{ ref("int_conversions_counted") }} as conversions
    cross join evidence_window
    where conversions.conversion_type = 'macro'
        and conversions.is_counted
        and coalesce(conversions.exclusion_reason, 'suspected_bot') = 'suspected_bot'
        and conversions.event_timestamp < evidence_window.as_of_timestamp

)
{%- endmacro %}
