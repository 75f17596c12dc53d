{%- set stratum = [
    "macro_name", "depth_number", "day_number", "device_category", "channel_group", "country", "is_new_visitor",
    "is_bot", "is_last_third", "bucket"
] %}
{%- set masks = ["done_mask", "done_1d_mask", "done_3d_mask", "done_7d_mask", "done_here_mask"] %}
{%- set counts = [
    "step_count", "next_step_converted_count", "followed_count", "followed_converted_count", "followed_revenue_micros",
    "followed_revenue_squared_hundredths"
] %}
{%- set states = ["all", "done_here", "done_under_1d", "done_1_3d", "done_3_7d", "done_over_7d"] %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_points() }},

judged_points as (

    -- Whoever is followed has not converted by the end of the step.
    select
        {{ (stratum + masks) | join(", ") }},
        is_converting,
        case when is_followed and is_converting = 0 then 1 else 0 end as is_followed,
        case when is_followed and is_converting = 0 and is_converted_in_time then 1 else 0 end as is_converted_in_time,
        case when is_followed and is_converting = 0 then followed_revenue_usd else 0 end as followed_revenue_usd
    from known_points

),

patterns as (

    -- Counted before each pattern is told apart by micro-conversion: there are far fewer patterns than points.
    select
        {{ (stratum + masks) | join(", ") }},
        count(*) as step_count,
        sum(is_converting) as next_step_converted_count,
        sum(is_followed) as followed_count,
        sum(is_converted_in_time) as followed_converted_count,
        sum(cast(round(followed_revenue_usd * 1000000) as int64)) as followed_revenue_micros,
        {{ squared_hundredths("followed_revenue_usd") }} as followed_revenue_squared_hundredths
    from judged_points
    group by {{ (stratum + masks) | join(", ") }}

),

micro_patterns as (

    select
        evidence_micros.micro_name,
        case
            when patterns.done_here_mask & evidence_micros.micro_bit <> 0 then 1
            when patterns.done_7d_mask & evidence_micros.micro_bit <> 0 then 5
            when patterns.done_3d_mask & evidence_micros.micro_bit <> 0 then 4
            when patterns.done_1d_mask & evidence_micros.micro_bit <> 0 then 3
            else 2
        end as state_number,
        patterns.{{ (stratum + counts) | join(", patterns.") }}
    from patterns
    inner join evidence_micros
        on (patterns.done_mask | patterns.done_here_mask) & evidence_micros.micro_bit <> 0

    union all

    -- Everybody, once: who has not done a micro-conversion yet is the rest, and far too many rows to say so for each.
    select
        '(all)' as micro_name,
        0 as state_number,
        {{ (stratum + counts) | join(", ") }}
    from patterns

),

sums as (

    select
        micro_name,
        state_number,
        {{ stratum | join(", ") }},
        {%- for count in counts %}
        cast(sum({{ count }}) as int64) as {{ count }}{{ "," if not loop.last }}
        {%- endfor %}
    from micro_patterns
    group by micro_name, state_number, {{ stratum | join(", ") }}

),

mart_decision_points as (

    select
        macro_name,
        micro_name,
        {{ stratum_columns() }},
        is_bot,
        is_last_third,
        bucket,
        case state_number
            {%- for state in states %}
            when {{ loop.index0 }} then '{{ state }}'
            {%- endfor %}
        end as exposure_state,
        step_count,
        next_step_converted_count,
        followed_count,
        followed_converted_count,
        followed_revenue_micros / 1000000.0 as followed_revenue_usd,
        followed_revenue_squared_hundredths / 100.0 as followed_revenue_usd_squared
    from sums

)

select * from mart_decision_points
