{#- The CTEs that end in `known_points`: decision points inside the window, as far as they are known by the as-of. Needs
    the CTEs `evidence_window` and `busy_subjects`. Depth and days since the first step are numbers here; `depth_bin` and
    `day_bin` name them. -#}
{% macro evidence_points() -%}
{%- set horizon = (var("evidence_horizon_days") | int) * 86400000000 -%}
known_points as (

    select
        points.macro_name,
        points.depth_number,
        points.day_number,
        {{ evidence_dimensions("points") }},
        points.is_new_visitor,
        {{ is_evidence_bot("points") }} as is_bot,
        points.step_timestamp >= evidence_window.third_start as is_last_third,
        points.bucket,
        points.done_mask,
        points.done_1d_mask,
        points.done_3d_mask,
        points.done_7d_mask,
        -- A step that was still open at the as-of is one on which nothing was done yet.
        case
            when points.done_here_timestamp < evidence_window.as_of_timestamp then points.done_here_mask
            else 0
        end as done_here_mask,
        case
            when points.macro_timestamp < evidence_window.as_of_timestamp
                and points.macro_timestamp < coalesce(points.next_step_timestamp, evidence_window.as_of_timestamp)
                then 1
            else 0
        end as is_converting,
        points.step_timestamp + {{ horizon }} <= evidence_window.as_of_timestamp as is_followed,
        points.macro_timestamp <= points.step_timestamp + {{ horizon }} as is_converted_in_time,
        points.followed_revenue_usd
    from {{ ref("int_decision_points") }} as points
    cross join evidence_window
    cross join busy_subjects
    where points.step_timestamp >= evidence_window.window_start
        and points.step_timestamp < evidence_window.as_of_timestamp

)
{%- endmacro %}

{#- The columns that subjects are compared within; one that evidence_dimensions does not name is the same for all. -#}
{% macro evidence_dimensions(relation) -%}
{%- for dimension in ["device_category", "channel_group", "country"] %}
    {%- if dimension in var("evidence_dimensions") -%}
    {{ relation }}.{{ dimension }}
    {%- else -%}
    'all' as {{ dimension }}
    {%- endif %}
    {%- if not loop.last %},
        {% endif %}
{%- endfor %}
{%- endmacro %}

{#- The CTEs that end in `busy_subjects`: one row with the steps of a day that 99.95 % of subjects never exceed. Whoever
    does is a machine. By counts of subjects per number of steps, so that nobody has to sort all subjects. -#}
{% macro busy_subjects() -%}
steps_of_busiest_days as (

    select
        busiest_day_step_count,
        count(*) as subject_count
    from {{ ref("int_evidence_subjects") }}
    group by busiest_day_step_count

),

subjects_up_to as (

    select
        busiest_day_step_count,
        sum(subject_count) over (order by busiest_day_step_count) as subjects_so_far,
        sum(subject_count) over () as subject_count
    from steps_of_busiest_days

),

busy_subjects as (

    select coalesce(min(busiest_day_step_count), 0) as most_steps_of_a_day
    from subjects_up_to
    where subjects_so_far * 10000 >= subject_count * 9995

)
{%- endmacro %}
