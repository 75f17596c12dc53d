-- Key figures: each beside the range that practitioners call healthy.
-- Chart: a table or tiles, coloured by status. 'cannot tell' is an answer.
select distinct
    kpi_label,
    measure,
    value,
    value_low,
    value_high,
    base_count,
    immature_count,
    benchmark_low,
    benchmark_high,
    status,
    rule,
    advice
from micro_conversions.bi_key_figures
order by kpi_label
