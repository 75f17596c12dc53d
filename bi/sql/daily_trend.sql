-- Daily trend: how often each day's sessions convert.
-- Chart: a line per conversion over the date. Days that are not usable are left out, since tracking was broken, the day
-- may still change, or the conversion had no time to happen yet.
select
    calendar_date,
    conversion_label,
    conversion_type,
    session_count,
    converting_session_count,
    session_conversion_rate,
    session_conversion_rate_low,
    session_conversion_rate_high,
    revenue_usd,
    net_revenue_usd
from micro_conversions.bi_days
where is_usable
order by calendar_date, conversion_label
