{#- Every value is one of `values`, NULL aside: `accepted_values` for a table of events, which is read by days. For
    `newest_load_only` see `unique_combination`. -#}
{% test known_values(model, column_name, values, newest_load_only=false) %}

select
    {{ column_name }},
    count(*) as row_count
from {{ model }}
where {{ column_name }} not in ('{{ values | join("', '") }}')
{%- if newest_load_only %}
    and event_date in ({{ newest_load_dates() }})
{%- endif %}
group by {{ column_name }}

{% endtest %}
