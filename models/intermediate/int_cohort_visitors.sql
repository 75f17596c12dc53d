{{
    config(
        partition_by=bigquery_only({"field": "cohort_week", "data_type": "date"}),
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}

{%- set day = 86400000000 %}
{%- set landmark = (var("evidence_landmark_days") | int) * day %}
{%- set activations = var("activation_conversions") %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_subjects() }},

{{ evidence_firsts() }},

first_subjects as (

    -- A visitor is one subject, or one per session; the first began the visitor.
    select
        *,
        max(case when is_bot then 1 else 0 end) over (partition by visitor_id) as has_bot
    from known_subjects
    qualify row_number() over (partition by visitor_id order by first_step_timestamp, subject_id) = 1

),

visitors as (

    -- Whoever was here before has no known first week. Who came after the last landmark is not known yet.
    select
        first_subjects.*,
        first_subjects.first_step_timestamp + {{ landmark }} as landmark_timestamp
    from first_subjects
    cross join evidence_window
    where first_subjects.is_new_visitor
        and first_subjects.has_bot = 0
        and first_subjects.first_step_timestamp + {{ landmark }} <= evidence_window.as_of_timestamp

),

early_firsts as (

    select distinct
        visitors.visitor_id,
        evidence_micros.micro_name,
        evidence_micros.micro_bit
    from visitors
    inner join known_firsts as firsts on visitors.visitor_id = firsts.visitor_id
    inner join evidence_micros on firsts.conversion_name = evidence_micros.micro_name
    where firsts.first_timestamp < visitors.landmark_timestamp
        and not evidence_micros.is_placebo

),

early_micros as (

    select
        visitor_id,
        cast(sum(micro_bit) as int64) >> {{ placebo_shares() | length }} as early_micro_mask,
        cast(count(*) as int64) as early_micro_count,
        {%- if activations %}
        max(case when micro_name in (
            {%- for name in activations %}'{{ name | replace("'", "") }}'{{ ", " if not loop.last }}{% endfor -%}
        ) then 1 else 0 end) as activation
        {%- else %}
        1 as activation
        {%- endif %}
    from early_firsts
    group by visitor_id

),

activity as (

    select
        visitors.visitor_id,
        {%- for age in cohort_ages() %}
        {{ 2 ** loop.index0 }} * max(
            {{ reached_by(
                "steps.step_timestamp",
                "visitors.landmark_timestamp + " ~ ([age - 7, 0] | max) * day,
                ([age, 7] | min) * day
            ) }}
        ){{ " +" if not loop.last }}
        {%- endfor %} as active_mask
    from visitors
    inner join {{ ref("int_clock_steps") }} as steps on visitors.visitor_id = steps.visitor_id
    cross join evidence_window
    where steps.step_timestamp > visitors.landmark_timestamp
        and steps.step_timestamp < evidence_window.as_of_timestamp
    group by visitors.visitor_id

),

int_cohort_visitors as (

    select
        visitors.visitor_id,
        {{ week_start("visitors.first_step_date") }} as cohort_week,
        visitors.landmark_timestamp,
        visitors.device_category,
        visitors.channel_group,
        cast({{ hash_bucket("visitors.visitor_id", var("evidence_buckets") | int) }} as int64) as bucket,
        coalesce(early_micros.early_micro_mask, 0) as early_micro_mask,
        coalesce(early_micros.early_micro_count, 0) as early_micro_count,
        coalesce(early_micros.activation, 0) = 1 as is_activated,
        cast(coalesce(activity.active_mask, 0) as int64) as active_mask
    from visitors
    left join early_micros on visitors.visitor_id = early_micros.visitor_id
    left join activity on visitors.visitor_id = activity.visitor_id

)

select * from int_cohort_visitors
