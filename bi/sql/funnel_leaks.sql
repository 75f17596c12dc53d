-- Funnel: where people stop, over all that is loaded.
-- Chart: a bar per step and funnel, the number who reached it; the rates with their limits in the tooltip or a table.
select
    funnel_label,
    step_number,
    step_label,
    reached_count,
    drop_off_count,
    immature_count,
    step_conversion_rate,
    step_conversion_rate_low,
    step_conversion_rate_high,
    funnel_conversion_rate,
    funnel_conversion_rate_low,
    funnel_conversion_rate_high
from micro_conversions.bi_funnels
where period_grain = 'all' and segment_dimension = 'all'
order by funnel_label, step_number
