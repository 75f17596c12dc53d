-- Which segments convert better than the rest, and what would it bring if the weak ones caught up?
-- Gaps that the test does not show are left out; `sessions_to_gain` is the conversions that a segment would
-- have had more at the rate of the rest. It says where to look, not what a change would earn.
with gaps as (

    select * from {{ ref("mart_segment_gaps") }}
    where verdict in ('higher', 'lower')

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

which_segments_convert_better as (

    select
        conversions.label as conversion_label,
        gaps.segment_dimension,
        gaps.segment_value,
        gaps.verdict,
        gaps.session_count,
        gaps.session_conversion_rate,
        gaps.session_conversion_rate_low,
        gaps.session_conversion_rate_high,
        gaps.rest_conversion_rate,
        gaps.rate_ratio,
        gaps.q_value,
        (gaps.rest_conversion_rate - gaps.session_conversion_rate) * gaps.session_count as sessions_to_gain
    from gaps
    inner join conversions on gaps.conversion_name = conversions.conversion_name
    where conversions.conversion_type = 'macro'

)

select * from which_segments_convert_better
order by sessions_to_gain desc, segment_dimension asc, segment_value asc
