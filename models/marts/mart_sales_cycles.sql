{{
    config(
        cluster_by=bigquery_only(["macro_name", "clock", "segment_dimension"]),
    )
}}

{%- set minimum = var("minimum_group_size") %}
{%- set is_shown = "visitor_count >= " ~ minimum ~ " and at_risk_count > 0" %}
{%- set dimensions = visitor_segments() %}
{%- set numbers = dimensions | join("_number, ") ~ "_number" %}
{%- set segments = [] %}
{%- for number in visitor_segment_numbers() %}
    {%- do segments.append({"segment_number": number}) %}
{%- endfor %}

with counted as (

    select * from {{ ref("int_sales_cycles_counted") }}

),

cycles as (

    select * from {{ ref("int_sales_cycles_measured") }}

),

visitors as (

    select * from {{ ref("int_visitors_segmented") }}

),

{{ cycle_horizons() }},

{{ visitor_segment_names("visitors") }},

curves as (

    select
        macro_name,
        line_number,
        moment,
        event_count,
        at_risk_count,
        sum(event_count) over earlier_moments as events_so_far,
        {{ survival_so_far("earlier_moments") }} as survival,
        {{ greenwood_so_far("earlier_moments") }} as greenwood
    from counted
    window earlier_moments as (
        partition by macro_name, line_number
        order by moment
        rows between unbounded preceding and current row
    )

),

converted as (

    select
        macro_name,
        line_number,
        sum(event_count) as converted_count
    from curves
    group by macro_name, line_number

),

medians as (

    select
        curves.macro_name,
        curves.line_number,
        min(case when curves.survival <= 0.5 + 1e-12 then curves.moment end) as median_moment,
        min(case when curves.events_so_far >= 0.5 * converted.converted_count then curves.moment end)
            as converted_median_moment
    from curves
    inner join converted
        on curves.macro_name = converted.macro_name
        and curves.line_number = converted.line_number
    where curves.event_count > 0
    group by curves.macro_name, curves.line_number

),

people_counts as (

    select
        {{ numbers }},
        sum(case when is_beginning_known then 1 else 0 end) as visitor_count,
        sum(case when is_beginning_known then 0 else 1 end) as unknown_beginning_count
    from visitors
    group by {{ numbers }}

),

people_of_segments as (

    {{ row_per_variant("people_counts", ["visitor_count", "unknown_beginning_count"], segments) }}

),

people as (

    select
        segment_number,
        sum(visitor_count) as visitor_count,
        sum(unknown_beginning_count) as unknown_beginning_count
    from people_of_segments
    group by segment_number

),

early_conversions as (

    select
        cycles.macro_name,
        visitors.{{ dimensions | join("_number, visitors.") }}_number
    from cycles
    inner join visitors on cycles.visitor_id = visitors.visitor_id
    where cycles.is_before_first_visit

),

early_of_segments as (

    {{ row_per_variant("early_conversions", ["macro_name"], segments) }}

),

early as (

    select
        macro_name,
        segment_number,
        count(*) as converted_before_count
    from early_of_segments
    group by macro_name, segment_number

),

horizons as (

    -- Of a segment of nobody but visitors who were known before nothing can be said.
    select
        curves.macro_name,
        visitor_segment_names.segment_dimension,
        visitor_segment_names.segment_value,
        cycle_horizons.clock,
        cast(cycle_horizons.horizon as int64) as horizon,
        cast(people.visitor_count - coalesce(early.converted_before_count, 0) as int64) as visitor_count,
        cast(converted.converted_count as int64) as converted_count,
        cast(coalesce(early.converted_before_count, 0) as int64) as converted_before_count,
        cast(people.unknown_beginning_count as int64) as unknown_beginning_count,
        cast(curves.events_so_far as int64) as converted_by_horizon_count,
        cast(curves.at_risk_count as int64) as at_risk_count,
        curves.survival,
        curves.greenwood,
        medians.median_moment / cast(cycle_horizons.unit as {{ type_float64() }}) as median_cycle,
        medians.converted_median_moment / cast(cycle_horizons.unit as {{ type_float64() }}) as converted_median_cycle
    from curves
    cross join visitor_segment_names
    inner join cycle_horizons
        on curves.line_number = 2 * visitor_segment_names.segment_number + cycle_horizons.clock_number
        and curves.moment = cycle_horizons.moment
    inner join people on visitor_segment_names.segment_number = people.segment_number
    inner join converted
        on curves.macro_name = converted.macro_name
        and curves.line_number = converted.line_number
    left join early
        on curves.macro_name = early.macro_name
        and visitor_segment_names.segment_number = early.segment_number
    left join medians
        on curves.macro_name = medians.macro_name
        and curves.line_number = medians.line_number

),

mart_sales_cycles as (

    select
        macro_name,
        segment_dimension,
        segment_value,
        clock,
        horizon,
        visitor_count,
        converted_count,
        converted_by_horizon_count,
        at_risk_count,
        case when {{ is_shown }} then 1 - survival end as conversion_rate,
        case when {{ is_shown }} then {{ incidence_limit("survival", "greenwood", "visitor_count", -1) }} end
            as conversion_rate_low,
        case when {{ is_shown }} then {{ incidence_limit("survival", "greenwood", "visitor_count", 1) }} end
            as conversion_rate_high,
        case when visitor_count >= {{ minimum }} then median_cycle end as median_cycle,
        case when converted_count >= {{ minimum }} then converted_median_cycle end as converted_median_cycle,
        converted_before_count,
        unknown_beginning_count
    from horizons

)

select * from mart_sales_cycles
