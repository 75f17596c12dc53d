with segment_conversions as (

    select * from {{ ref("mart_segment_conversions") }}
    where period_grain = 'all'

),

segment_gaps as (

    select * from {{ ref("mart_segment_gaps") }}

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

bi_segments as (

    select
        conversions.conversion_name,
        conversions.label as conversion_label,
        conversions.conversion_type,
        segment_conversions.segment_dimension,
        segment_conversions.segment_value,
        segment_conversions.session_count,
        segment_conversions.converting_session_count,
        segment_conversions.session_conversion_rate,
        segment_conversions.session_conversion_rate_low,
        segment_conversions.session_conversion_rate_high,
        segment_conversions.visitor_count,
        segment_conversions.converting_visitor_count,
        segment_conversions.visitor_conversion_rate,
        segment_conversions.visitor_conversion_rate_low,
        segment_conversions.visitor_conversion_rate_high,
        segment_gaps.rest_conversion_rate,
        segment_gaps.rate_ratio,
        segment_gaps.q_value,
        segment_gaps.verdict
    from segment_conversions
    inner join conversions on segment_conversions.conversion_name = conversions.conversion_name
    left join segment_gaps
        on segment_conversions.conversion_name = segment_gaps.conversion_name
        and segment_conversions.segment_dimension = segment_gaps.segment_dimension
        and segment_conversions.segment_value = segment_gaps.segment_value
    where segment_conversions.segment_dimension not like '% x %'

)

select * from bi_segments
