{%- set stratum = [
    "macro_name", "depth_number", "day_number", "device_category", "channel_group", "country", "is_new_visitor"
] %}

with {{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_points() }},

patterns as (

    -- Without the bits of the placebos, which come first.
    select
        {{ stratum | join(", ") }},
        done_mask >> {{ placebo_shares() | length }} as done_before_mask,
        count(*) as step_count,
        sum(is_converting) as next_step_converted_count
    from known_points
    where not is_bot
    group by {{ stratum | join(", ") }}, done_mask >> {{ placebo_shares() | length }}

),

mart_conversion_patterns as (

    select
        macro_name,
        {{ stratum_columns() }},
        done_before_mask,
        cast(step_count as int64) as step_count,
        cast(next_step_converted_count as int64) as next_step_converted_count
    from patterns

)

select * from mart_conversion_patterns
