{#- No row lacks any of `columns`: one scan instead of a `not_null` each. For `newest_load_only` see
    `unique_combination`. -#}
{% test never_null(model, columns, newest_load_only=false) %}

select {{ columns | join(", ") }}
from {{ model }}
where (
    {%- for column in columns %}
    {{ "or " if not loop.first }}{{ column }} is null
    {%- endfor %}
)
{%- if newest_load_only %}
and event_date in ({{ newest_load_dates() }})
{%- endif %}

{% endtest %}
