{#- Four whole weeks: every weekday counts alike, and it is how long `microconv proxy` lets an experiment run. -#}
{%- set window_days = 28 %}
{%- set horizon_days = var("evidence_horizon_days") | int %}
{%- set horizon = horizon_days * 86400000000 %}

with {{ busy_subjects() }},

{{ evidence_conversions() }},

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

steps as (

    select * from {{ ref("int_clock_steps") }}

),

subjects as (

    select * from {{ ref("int_evidence_subjects") }}

),

catalog as (

    select
        conversion_name,
        conversion_type
    from {{ ref("dim_conversions") }}
    where conversion_type in ('macro', 'micro')

),

definitions as (

    {{ definitions_version() }}

),

windows as (

    -- The newest weeks whose visitors can all be followed to the horizon.
    select
        as_of_date,
        as_of_timestamp,
        {{ window_day_count("first_date", "as_of_date", horizon_days, window_days) }} as window_day_count,
        {{ add_days("as_of_date", -horizon_days) }} as window_end_date,
        greatest(first_date, {{ add_days("as_of_date", -(horizon_days + window_days - 1)) }}) as window_start_date
    from as_of

),

entrants as (

    -- As if an experiment had begun with the window: everybody enters with the first step in it.
    select
        steps.subject_id,
        min(steps.step_timestamp) as entered_timestamp
    from steps
    inner join subjects on steps.subject_id = subjects.subject_id
    cross join busy_subjects
    cross join windows
    where not ({{ is_evidence_bot("subjects") }})
        and steps.step_timestamp >= {{ local_midnight_micros("windows.window_start_date") }}
        and steps.step_timestamp + {{ horizon }} <= windows.as_of_timestamp
    group by steps.subject_id

),

counted_entrants as (

    select cast(count(*) as int64) as subject_count
    from entrants

),

counted_conversions as (

    select
        evidence_conversions.conversion_name,
        cast(count(distinct entrants.subject_id) as int64) as converted_count
    from entrants
    inner join evidence_conversions
        on entrants.subject_id = evidence_conversions.subject_id
        and entrants.entered_timestamp < evidence_conversions.event_timestamp
        and entrants.entered_timestamp + {{ horizon }} >= evidence_conversions.event_timestamp
    group by evidence_conversions.conversion_name

),

mart_planning_rates as (

    select
        catalog.conversion_name,
        catalog.conversion_type,
        windows.window_start_date,
        windows.window_end_date,
        windows.window_day_count,
        counted_entrants.subject_count,
        coalesce(counted_conversions.converted_count, 0) as converted_count,
{{ rate_columns(
    "coalesce(counted_conversions.converted_count, 0)", "counted_entrants.subject_count", "conversion_rate"
) }},
        cast({{ horizon_days }} as int64) as horizon_days,
        windows.as_of_date,
        definitions.definitions_version
    from catalog
    cross join windows
    cross join counted_entrants
    cross join definitions
    left join counted_conversions on catalog.conversion_name = counted_conversions.conversion_name

)

select * from mart_planning_rates
