{{
    config(
        cluster_by=bigquery_only(["macro_name", "segment_dimension"]),
    )
}}

{%- set day = 86400000000 %}
{%- set return_window = (var("return_days") | int) * day %}
{%- set horizon = return_window + (var("evidence_horizon_days") | int) * day %}
{%- set dimensions = visitor_segments() %}
{%- set numbers = dimensions | join("_number, ") ~ "_number" %}
{%- set visitor_sums = [
    "unknown_beginning_count", "visitor_count", "returned_count", "returned_followed_count",
    "not_returned_followed_count"
] %}
{%- set conversion_sums = [
    "returned_early_count", "not_returned_early_count", "returned_converted_count", "not_returned_converted_count"
] %}
{%- set segments = [] %}
{%- for number in visitor_segment_numbers() %}
    {%- do segments.append({"segment_number": number}) %}
{%- endfor %}

with visitors as (

    select * from {{ ref("int_visitors_segmented") }}

),

cycles as (

    select * from {{ ref("int_sales_cycles_measured") }}

),

macros as (

    select conversion_name as macro_name
    from {{ ref("dim_conversions") }}
    where conversion_type = 'macro'

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

{{ visitor_segment_names("visitors") }},

beginnings as (

    select
        visitors.visitor_id,
        visitors.first_visit_timestamp,
        {%- for dimension in dimensions %}
        visitors.{{ dimension }}_number,
        {%- endfor %}
        case when visitors.is_beginning_known then 0 else 1 end as is_unknown,
        case
            when visitors.is_beginning_known
                and visitors.first_visit_timestamp + {{ return_window }} < as_of.as_of_timestamp then 1
            else 0
        end as is_week_over,
        case
            when visitors.is_beginning_known
                and visitors.first_visit_timestamp + {{ horizon }} < as_of.as_of_timestamp then 1
            else 0
        end as is_followed,
        case
            when visitors.second_visit_timestamp - visitors.first_visit_timestamp <= {{ return_window }} then 1
            else 0
        end as is_returned
    from visitors
    cross join as_of

),

visitor_counts as (

    select
        {{ numbers }},
        sum(is_unknown) as unknown_beginning_count,
        sum(is_week_over) as visitor_count,
        sum(is_week_over * is_returned) as returned_count,
        sum(is_followed * is_returned) as returned_followed_count,
        sum(is_followed * (1 - is_returned)) as not_returned_followed_count
    from beginnings
    group by {{ numbers }}

),

conversions as (

    -- By the end of the week, within the horizon after it, or later.
    select
        cycles.macro_name,
        beginnings.is_returned,
        {%- for dimension in dimensions %}
        beginnings.{{ dimension }}_number,
        {%- endfor %}
        case
            when cycles.converted_timestamp <= beginnings.first_visit_timestamp + {{ return_window }} then 1
            else 0
        end as is_early,
        case
            when cycles.converted_timestamp > beginnings.first_visit_timestamp + {{ return_window }}
                and cycles.converted_timestamp <= beginnings.first_visit_timestamp + {{ horizon }} then 1
            else 0
        end as is_in_time
    from cycles
    inner join beginnings on cycles.visitor_id = beginnings.visitor_id
    where beginnings.is_followed = 1

),

conversion_counts as (

    select
        macro_name,
        {{ numbers }},
        sum(is_early * is_returned) as returned_early_count,
        sum(is_early * (1 - is_returned)) as not_returned_early_count,
        sum(is_in_time * is_returned) as returned_converted_count,
        sum(is_in_time * (1 - is_returned)) as not_returned_converted_count
    from conversions
    group by macro_name, {{ numbers }}

),

visitor_counts_of_segments as (

    {{ row_per_variant("visitor_counts", visitor_sums, segments) }}

),

conversion_counts_of_segments as (

    {{ row_per_variant("conversion_counts", ["macro_name"] + conversion_sums, segments) }}

),

visitors_of_segments as (

    select
        segment_number,
        {%- for name in visitor_sums %}
        cast(sum({{ name }}) as int64) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from visitor_counts_of_segments
    group by segment_number

),

conversions_of_segments as (

    select
        macro_name,
        segment_number,
        {%- for name in conversion_sums %}
        cast(sum({{ name }}) as int64) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from conversion_counts_of_segments
    group by macro_name, segment_number

),

counted as (

    select
        macros.macro_name,
        visitor_segment_names.segment_dimension,
        visitor_segment_names.segment_value,
        people.visitor_count,
        people.returned_count,
        people.returned_followed_count - coalesce(converted.returned_early_count, 0) as returned_base_count,
        coalesce(converted.returned_converted_count, 0) as returned_converted_count,
        people.not_returned_followed_count - coalesce(converted.not_returned_early_count, 0) as not_returned_base_count,
        coalesce(converted.not_returned_converted_count, 0) as not_returned_converted_count,
        coalesce(converted.returned_early_count, 0) + coalesce(converted.not_returned_early_count, 0)
            as converted_before_count,
        people.unknown_beginning_count
    from visitors_of_segments as people
    inner join visitor_segment_names on people.segment_number = visitor_segment_names.segment_number
    cross join macros
    left join conversions_of_segments as converted
        on people.segment_number = converted.segment_number
        and macros.macro_name = converted.macro_name

),

rated as (

    select
        *,
{{ rate_columns("returned_count", "visitor_count", "return_rate") }},
{{ rate_columns("returned_converted_count", "returned_base_count", "returned_conversion_rate") }},
{{ rate_columns("not_returned_converted_count", "not_returned_base_count", "not_returned_conversion_rate") }}
    from counted

),

mart_return_visits as (

    select
        macro_name,
        segment_dimension,
        segment_value,
        visitor_count,
        returned_count,
        return_rate,
        return_rate_low,
        return_rate_high,
        returned_base_count,
        returned_converted_count,
        returned_conversion_rate,
        returned_conversion_rate_low,
        returned_conversion_rate_high,
        not_returned_base_count,
        not_returned_converted_count,
        not_returned_conversion_rate,
        not_returned_conversion_rate_low,
        not_returned_conversion_rate_high,
{{ ratio_columns("returned_conversion_rate", "not_returned_conversion_rate", "conversion_ratio") }},
        converted_before_count,
        unknown_beginning_count
    from rated

)

select * from mart_return_visits
