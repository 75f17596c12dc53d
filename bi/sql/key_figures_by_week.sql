-- Key figures by week: whether they move.
-- Chart: a line per key figure over the week, with its limits as a band. Weeks under the minimum group size have no value.
select
    kpi_label,
    week_start_date,
    week_value,
    week_value_low,
    week_value_high,
    week_base_count,
    week_immature_count
from micro_conversions.bi_key_figures
where week_start_date is not null
order by kpi_label, week_start_date
