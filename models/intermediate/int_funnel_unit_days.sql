{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "entry_date", "data_type": "date"}),
        cluster_by=bigquery_only(["funnel_name", "unit_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with steps_reached as (

    select * from {{ ref("int_funnel_attempts_reached") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

unit_steps as (

    select
        steps_reached.*,
        funnel_steps.step_bit,
        funnel_steps.window_micros
    from steps_reached
    inner join funnel_steps
        on steps_reached.funnel_name = funnel_steps.funnel_name
        and steps_reached.step_number = funnel_steps.step_number
    where funnel_steps.counting = 'unique'

),

days as (

    select
        funnel_name,
        unit_id,
        visitor_id,
        entry_date,
        min(window_micros) as window_micros,
        max(case when entry_step = 1 then entered_timestamp end) as last_entered_timestamp,
        max(case when entry_step = 1 then entry_position end) as last_entry_position,
        {{ first_by("entry_session_id", ["entry_position"], "entry_session_id is not null") }} as entry_session_id,
        max(case when reached_session_id is not null then step_number end) as last_session_step,
        {{ first_by(
            "reached_session_id", ["-step_number", "reached_position"], "reached_session_id is not null"
        ) }} as last_session_id,
        bit_or(step_bit) as reached_mask,
        bit_or(case when is_continued then step_bit else 0 end) as continued_mask,
        bit_or(case when excluded_timestamp is not null and step_number = furthest_step then step_bit else 0 end)
            as excluded_mask
    from unit_steps
    group by funnel_name, unit_id, visitor_id, entry_date

),

later_steps as (

    -- To enter again loses nobody: what a newer attempt reaches while the window of the day's last entry holds counts
    -- for the day as well.
    select
        days.funnel_name,
        days.unit_id,
        days.entry_date,
        bit_or(unit_steps.step_bit) as reached_mask,
        bit_or(case when unit_steps.is_continued then unit_steps.step_bit else 0 end) as continued_mask,
        max(case when unit_steps.reached_session_id is not null then unit_steps.step_number end) as last_session_step,
        {{ first_by(
            "unit_steps.reached_session_id", ["-unit_steps.step_number", "unit_steps.reached_position"],
            "unit_steps.reached_session_id is not null"
        ) }} as last_session_id
    from days
    inner join unit_steps
        on days.funnel_name = unit_steps.funnel_name
        and days.unit_id = unit_steps.unit_id
    where unit_steps.entry_step = 1
        and unit_steps.step_number > 1
        and unit_steps.entry_position > days.last_entry_position
        and unit_steps.reached_timestamp - days.last_entered_timestamp <= days.window_micros
    group by days.funnel_name, days.unit_id, days.entry_date

),

int_funnel_unit_days as (

    select
        days.funnel_name,
        days.unit_id,
        days.visitor_id,
        days.entry_date,
        days.entry_session_id,
        case
            when coalesce(later_steps.last_session_step > coalesce(days.last_session_step, 0), false)
                then later_steps.last_session_id
            else days.last_session_id
        end as last_session_id,
        cast(greatest(coalesce(days.last_session_step, 0), coalesce(later_steps.last_session_step, 0)) as int64)
            as last_session_step,
        cast(days.reached_mask | coalesce(later_steps.reached_mask, 0) as int64) as reached_mask,
        cast(days.continued_mask | coalesce(later_steps.continued_mask, 0) as int64) as continued_mask,
        cast(days.excluded_mask as int64) as excluded_mask
    from days
    left join later_steps
        on days.funnel_name = later_steps.funnel_name
        and days.unit_id = later_steps.unit_id
        and days.entry_date = later_steps.entry_date

)

select * from int_funnel_unit_days
