-- Segments: which convert otherwise than all other visits, beyond chance.
-- Chart: a table, the lowest ratio on top. No row means that no gap is shown, not that there is none.
select
    conversion_label,
    segment_dimension,
    segment_value,
    session_count,
    session_conversion_rate,
    session_conversion_rate_low,
    session_conversion_rate_high,
    rest_conversion_rate,
    rate_ratio,
    q_value,
    verdict
from micro_conversions.bi_segments
where verdict in ('lower', 'higher')
order by rate_ratio, conversion_label, segment_dimension, segment_value
