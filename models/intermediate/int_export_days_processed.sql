{#- Written last: dbt builds it only when everything it names below was built and passed its tests, so a
    day counts as processed when every fact has it. A run that dies half-way leaves its days open. -#}
-- depends_on: {{ ref("fct_sessions") }}
-- depends_on: {{ ref("fct_micro_conversions") }}
-- depends_on: {{ ref("fct_macro_conversions") }}
-- depends_on: {{ ref("fct_funnel_attempts") }}
-- depends_on: {{ ref("int_funnel_unit_days") }}
-- depends_on: {{ ref("int_decision_points") }}
-- depends_on: {{ ref("dim_visitors") }}
-- depends_on: {{ ref("int_event_names_counted") }}
-- depends_on: {{ ref("int_tracking_counted") }}
-- depends_on: {{ ref("int_feedback_matched") }}
-- depends_on: {{ ref("fct_experiment_exposures") }}

with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

int_export_days_processed as (

    select
        property_id,
        event_date,
        source_version,
        ({{ definitions_version() }}) as definitions_version
    from export_days

)

select * from int_export_days_processed
