{#- The value struct of a parameter in `array` (event_params or a redacted copy of it); the first in array order where
    the key repeats. DuckDB looks the key up in param_keys, ten times cheaper than filtering the array per parameter. -#}
{% macro param_value(array, key) %}
    {{- return(adapter.dispatch("param_value", "micro_conversions")(array, key)) -}}
{% endmacro %}

{% macro default__param_value(array, key) -%}
    (
        select ep.value
        from unnest({{ array }}) as ep with offset as position
        where ep.key = '{{ key }}'
        order by position
        limit 1
    )
{%- endmacro %}

{% macro duckdb__param_value(array, key) -%}
    list_extract({{ array }}, list_position(param_keys, '{{ key }}')).value
{%- endmacro %}
