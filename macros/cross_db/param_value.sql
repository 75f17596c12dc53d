{#- The value struct of an event parameter; the first in array order where the key repeats.
    DuckDB looks the key up in param_keys, ten times cheaper than filtering the array per parameter. -#}
{% macro param_value(key) %}
    {{- return(adapter.dispatch("param_value", "micro_conversions")(key)) -}}
{% endmacro %}

{% macro default__param_value(key) -%}
    (
        select ep.value
        from unnest(event_params) as ep with offset as position
        where ep.key = '{{ key }}'
        order by position
        limit 1
    )
{%- endmacro %}

{% macro duckdb__param_value(key) -%}
    list_extract(event_params, list_position(param_keys, '{{ key }}')).value
{%- endmacro %}
