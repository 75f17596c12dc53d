{{
    config(
        cluster_by=bigquery_only(["macro_name", "line_number"]),
    )
}}

{%- set dimensions = visitor_segments() %}
{%- set numbers = dimensions | join("_number, ") ~ "_number" %}

with cycles as (

    select * from {{ ref("int_sales_cycles_measured") }}

),

visitors as (

    select * from {{ ref("int_visitors_segmented") }}
    where is_beginning_known

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

macros as (

    select conversion_name as macro_name
    from {{ ref("dim_conversions") }}
    where conversion_type = 'macro'

),

{{ cycle_horizons() }},

{{ visitor_segment_names("visitors") }},

followed_visitors as (

    select
        visitors.visitor_id,
        visitors.visit_count,
        as_of.as_of_timestamp - visitors.first_visit_timestamp as followed_micros,
        visitors.{{ dimensions | join("_number, visitors.") }}_number
    from visitors
    cross join as_of

),

visit_counts as (

    select
        visit_count,
        {{ numbers }},
        count(*) as visitor_count
    from followed_visitors
    group by visit_count, {{ numbers }}

),

followed_lines as (

    {{ row_per_variant("followed_visitors", [], cycle_line_variants(
        "days", {"moment": "followed_micros", "visitor_count": "1"}
    )) }}

    union all

    {{ row_per_variant("visit_counts", [], cycle_line_variants(
        "visits", {"moment": "visit_count", "visitor_count": "visitor_count"}
    )) }}

),

described_cycles as (

    select
        cycles.macro_name,
        cycles.cycle_micros,
        cycles.cycle_visit_count,
        followed_visitors.followed_micros,
        followed_visitors.visit_count,
        {%- for dimension in dimensions %}
        followed_visitors.{{ dimension }}_number{{ "," if not loop.last }}
        {%- endfor %}
    from cycles
    inner join followed_visitors on cycles.visitor_id = followed_visitors.visitor_id

),

cycle_moments as (

    -- Two of each cycle: when it ended, and until when the visitor could have been followed without it.
    {{ row_per_variant("described_cycles", ["macro_name"], cycle_moment_variants()) }}

),

horizon_moments as (

    select
        macros.macro_name,
        2 * visitor_segment_names.segment_number + cycle_horizons.clock_number as line_number,
        cycle_horizons.moment
    from macros
    cross join visitor_segment_names
    cross join cycle_horizons

),

known_moments as (

    select
        macro_name,
        line_number,
        moment,
        event_count,
        gone_count,
        event_count as asked_count
    from cycle_moments
    where moment is not null

    union all

    select
        macro_name,
        line_number,
        moment,
        0 as event_count,
        0 as gone_count,
        1 as asked_count
    from horizon_moments

),

-- Counts are added up as floating-point numbers, exact below 2^53: DuckDB's sums of integers are three times as slow.
moments as (

    select
        macro_name,
        line_number,
        moment,
        cast(sum(event_count) as {{ type_float64() }}) as event_count,
        cast(sum(gone_count) as {{ type_float64() }}) as gone_count,
        max(asked_count) as asked_count
    from known_moments
    group by macro_name, line_number, moment

),

moments_so_far as (

    -- Whoever converted is at risk up to the conversion, and not for as long as everybody is counted below.
    select
        macro_name,
        line_number,
        moment,
        event_count,
        asked_count,
        sum(event_count - gone_count) over (
            partition by macro_name, line_number
            order by moment desc
            rows between unbounded preceding and current row
        ) as surplus_count
    from moments

),

followed_and_asked as (

    select
        line_number,
        moment,
        visitor_count
    from followed_lines

    union all

    select
        line_number,
        moment,
        0 as visitor_count
    from known_moments
    where asked_count > 0

),

followed_moments as (

    select
        line_number,
        moment,
        cast(sum(visitor_count) as {{ type_float64() }}) as visitor_count
    from followed_and_asked
    group by line_number, moment

),

followed_so_far as (

    -- How long everybody could be followed is the same for each macro-conversion, and so sorted once.
    select
        line_number,
        moment,
        sum(visitor_count) over (
            partition by line_number
            order by moment desc
            rows between unbounded preceding and current row
        ) as followed_count
    from followed_moments

),

int_sales_cycles_counted as (

    select
        moments_so_far.macro_name,
        cast(moments_so_far.line_number as int64) as line_number,
        cast(moments_so_far.moment as int64) as moment,
        moments_so_far.event_count,
        followed_so_far.followed_count + moments_so_far.surplus_count as at_risk_count
    from moments_so_far
    inner join followed_so_far
        on moments_so_far.line_number = followed_so_far.line_number
        and moments_so_far.moment = followed_so_far.moment
    where moments_so_far.asked_count > 0

)

select * from int_sales_cycles_counted
