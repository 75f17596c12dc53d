{#- The CTE `known_subjects`: whoever was seen by the as-of. Needs the CTEs `evidence_window` and `busy_subjects`. -#}
{% macro evidence_subjects() -%}
known_subjects as (

    select
        subjects.*,
        {{ is_evidence_bot("subjects") }} as is_bot
    from {{ ref("int_evidence_subjects") }} as subjects
    cross join evidence_window
    cross join busy_subjects
    where subjects.first_step_timestamp < evidence_window.as_of_timestamp

)
{%- endmacro %}

{#- The CTEs that end in `known_firsts`: what subjects had done by the as-of, each thing at its first time, and in
    `first_macros` the macro-conversions of them. Needs the CTE `evidence_window`. -#}
{% macro evidence_firsts() -%}
known_firsts as (

    select firsts.*
    from {{ ref("int_first_conversions") }} as firsts
    cross join evidence_window
    where firsts.first_timestamp < evidence_window.as_of_timestamp

),

first_macros as (

    select
        subject_id,
        conversion_name as macro_name,
        first_date as macro_date,
        first_timestamp as macro_timestamp,
        step_timestamp as macro_step_timestamp
    from known_firsts
    where conversion_type = 'macro'

)
{%- endmacro %}
