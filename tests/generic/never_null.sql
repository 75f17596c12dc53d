{#- No row lacks any of `columns`: one scan instead of a `not_null` each. For `newest_load_only` see
    `unique_combination`. -#}
{% test never_null(model, columns, newest_load_only=false) %}
{%- set export_days = ref("stg_ga4__export_days") %}

select {{ columns | join(", ") }}
from {{ model }}
where (
    {%- for column in columns %}
    {{ "or " if not loop.first }}{{ column }} is null
    {%- endfor %}
)
{%- if newest_load_only %}
and event_date in (
    select event_date
    from {{ export_days }}
    where loaded_at = (select max(loaded_at) from {{ export_days }})
)
{%- endif %}

{% endtest %}
