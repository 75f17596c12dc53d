{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "step_date", "data_type": "date"}),
        cluster_by=bigquery_only(["macro_name", "visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

{%- set day = 86400000000 %}
{%- set horizon = (var("evidence_horizon_days") | int) * day %}
{%- set lags = {"done_mask": 1, "done_1d_mask": day, "done_3d_mask": 3 * day, "done_7d_mask": 7 * day} %}

with {{ evidence_micros() }},

{{ evidence_macros() }},

{{ evidence_conversions() }},

{{ evidence_sales() }},

steps as (

    select * from {{ ref("int_clock_steps") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

subjects as (

    select * from {{ ref("int_evidence_subjects") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

firsts as (

    select * from {{ ref("int_first_conversions") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

first_macros as (

    select
        subject_id,
        conversion_name as macro_name,
        first_timestamp as macro_timestamp
    from firsts
    where conversion_type = 'macro'

),

first_micros as (

    select
        firsts.subject_id,
        firsts.first_timestamp,
        firsts.step_timestamp,
        firsts.is_on_step,
        evidence_micros.micro_bit
    from firsts
    inner join evidence_micros on firsts.conversion_name = evidence_micros.micro_name

),

moments as (

    select
        subject_id,
        step_timestamp as moment,
        step_number,
        0 as micro_bit
    from steps

    union all

    select
        subject_id,
        first_timestamp as moment,
        cast(null as int64) as step_number,
        micro_bit
    from first_micros

),

masks as (

    -- Each bit comes once per subject, so that sums of bits are sets.
    select
        subject_id,
        step_number,
        {%- for name, micros in lags.items() %}
        cast(
            coalesce(
                sum(micro_bit) over (
                    partition by subject_id
                    order by moment
                    range between unbounded preceding and {{ micros }} preceding
                ), 0
            ) as int64
        ) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from moments

),

described_steps as (

    select
        steps.*,
        subjects.first_step_timestamp,
        subjects.is_new_visitor,
        subjects.bucket,
        subjects.busiest_day_step_count,
        subjects.is_suspected_bot,
        {%- for name in lags %}
        masks.{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from steps
    inner join subjects on steps.subject_id = subjects.subject_id
    inner join masks
        on steps.subject_id = masks.subject_id
        and steps.step_number = masks.step_number

),

points_at_risk as (

    select
        described_steps.*,
        evidence_macros.macro_name,
        first_macros.macro_timestamp
    from described_steps
    cross join evidence_macros
    left join first_macros
        on described_steps.subject_id = first_macros.subject_id
        and evidence_macros.macro_name = first_macros.macro_name
    where coalesce(first_macros.macro_timestamp >= described_steps.step_timestamp, true)

),

done_here as (

    -- On a step that ends in the macro-conversion only what came before it.
    select
        first_micros.subject_id,
        first_micros.step_timestamp,
        evidence_macros.macro_name,
        sum(first_micros.micro_bit) as done_here_mask,
        max(first_micros.first_timestamp) as done_here_timestamp
    from first_micros
    cross join evidence_macros
    left join first_macros
        on first_micros.subject_id = first_macros.subject_id
        and evidence_macros.macro_name = first_macros.macro_name
    where first_micros.is_on_step
        and coalesce(first_micros.first_timestamp < first_macros.macro_timestamp, true)
    group by first_micros.subject_id, first_micros.step_timestamp, evidence_macros.macro_name

),

sales_and_points as (

    select
        subject_id,
        macro_name,
        event_timestamp as moment,
        value_micros,
        false as is_point
    from evidence_sales

    union all

    select
        subject_id,
        macro_name,
        step_timestamp as moment,
        0 as value_micros,
        true as is_point
    from points_at_risk
    where macro_timestamp between next_step_timestamp and step_timestamp + {{ horizon }}

),

points_with_sales as (

    -- Nothing was sold between these steps and their end, so that this is what came after the end.
    select
        subject_id,
        macro_name,
        moment as step_timestamp,
        is_point,
        sum(value_micros) over (
            partition by subject_id, macro_name
            order by moment
            range between current row and {{ horizon }} following
        ) as followed_value_micros
    from sales_and_points

),

int_decision_points as (

    select
        points.macro_name,
        points.subject_id,
        points.visitor_id,
        points.step_date,
        points.step_timestamp,
        points.next_step_timestamp,
        cast(
            case
                when points.step_number <= 3 then points.step_number
                when points.step_number <= 5 then 4
                when points.step_number <= 8 then 5
                when points.step_number <= 12 then 6
                when points.step_number <= 18 then 7
                when points.step_number <= 27 then 8
                else 9
            end as int64
        ) as depth_number,
        case
            when points.step_timestamp - points.first_step_timestamp < 1800000000 then 1
            when points.step_timestamp - points.first_step_timestamp < {{ day }} then 2
            when points.step_timestamp - points.first_step_timestamp < {{ 3 * day }} then 3
            when points.step_timestamp - points.first_step_timestamp < {{ 7 * day }} then 4
            when points.step_timestamp - points.first_step_timestamp < {{ 14 * day }} then 5
            else 6
        end as day_number,
        points.device_category,
        points.channel_group,
        points.country,
        points.is_new_visitor,
        points.bucket,
        points.busiest_day_step_count,
        points.is_suspected_bot,
        {%- for name in lags %}
        points.{{ name }},
        {%- endfor %}
        cast(coalesce(done_here.done_here_mask, 0) as int64) as done_here_mask,
        done_here.done_here_timestamp,
        points.macro_timestamp,
        cast(coalesce(points_with_sales.followed_value_micros, 0) as int64) / 1000000.0 as followed_revenue_usd
    from points_at_risk as points
    left join done_here
        on points.subject_id = done_here.subject_id
        and points.step_timestamp = done_here.step_timestamp
        and points.macro_name = done_here.macro_name
    left join points_with_sales
        on points.subject_id = points_with_sales.subject_id
        and points.step_timestamp = points_with_sales.step_timestamp
        and points.macro_name = points_with_sales.macro_name
        and points_with_sales.is_point

)

select * from int_decision_points
