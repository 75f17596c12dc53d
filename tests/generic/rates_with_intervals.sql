{#- Every rate of `rates` lies in 0..1 and within its own interval, the columns `<rate>_low` and `<rate>_high`,
    and all three are there or none is. The last digit of a floating limit may pass the rate. -#}
{% test rates_with_intervals(model, rates) %}

{%- for rate in rates %}
select
    '{{ rate }}' as rate_name,
    {{ rate }} as rate,
    {{ rate }}_low as rate_low,
    {{ rate }}_high as rate_high
from {{ model }}
where {{ rate }} < 0
    or {{ rate }} > 1
    or {{ rate }}_low < 0
    or {{ rate }}_high > 1
    or {{ rate }}_low > {{ rate }} + 1e-9
    or {{ rate }}_high < {{ rate }} - 1e-9
    or ({{ rate }} is null) <> ({{ rate }}_low is null)
    or ({{ rate }} is null) <> ({{ rate }}_high is null)
{{ "union all" if not loop.last }}
{%- endfor %}

{% endtest %}
