-- Funnel by device: on which device each step loses most.
-- Chart: grouped bars, a group per step, a bar per device, with the limits beside the rate.
select
    funnel_label,
    step_number,
    step_label,
    segment_value as device_category,
    previous_step_count,
    step_conversion_rate,
    step_conversion_rate_low,
    step_conversion_rate_high
from micro_conversions.bi_funnels
where period_grain = 'all' and segment_dimension = 'device_category' and step_conversion_rate is not null
order by funnel_label, step_number, device_category
