-- The rows of (all) hold every decision point once: a micro-conversion has no more of them in any cell, and on no cell
-- more conversions or more who are followed.
{%- set cell = [
    "macro_name", "depth_bin", "day_bin", "device_category", "channel_group", "country", "visitor_type", "is_bot",
    "is_last_third", "bucket"
] %}
{%- set counts = ["step_count", "next_step_converted_count", "followed_count", "followed_converted_count"] %}

with points as (

    select * from {{ ref("mart_decision_points") }}

),

everybody as (

    select * from points
    where exposure_state = 'all'

),

done as (

    select
        micro_name,
        {%- for count in counts %}
        sum({{ count }}) as {{ count }},
        {%- endfor %}
        {{ cell | join(", ") }}
    from points
    where exposure_state <> 'all'
    group by micro_name, {{ cell | join(", ") }}

),

cells as (

    select
        done.macro_name,
        done.micro_name,
        done.bucket,
        {%- for count in counts %}
        everybody.{{ count }} as all_{{ count }},
        done.{{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from done
    left join everybody
        on {% for column in cell -%}
        done.{{ column }} = everybody.{{ column }}{{ " and " if not loop.last }}
        {%- endfor %}

)

select * from cells
where all_step_count is null
    {%- for count in counts %}
    or {{ count }} > all_{{ count }}
    {%- endfor %}
    or followed_converted_count > followed_count
    or followed_count + next_step_converted_count > step_count
