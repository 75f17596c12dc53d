{#- No two rows share the combination of `columns`, and none of these is NULL unless it is named in `nullable`.
    `newest_load_only` looks at the days that the last run read, for tables of events: a table of events is
    replaced by whole days, so that an older day cannot have changed. -#}
{% test unique_combination(model, columns, nullable=[], newest_load_only=false) %}

select
    {{ columns | join(", ") }},
    count(*) as row_count
from {{ model }}
{%- if newest_load_only %}
where event_date in ({{ newest_load_dates() }})
{%- endif %}
group by {{ columns | join(", ") }}
having count(*) > 1
{%- for column in columns if column not in nullable %}
    or {{ column }} is null
{%- endfor %}

{% endtest %}
