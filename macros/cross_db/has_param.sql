{#- Whether a row has a parameter of this name, whatever its value. DuckDB looks it up in param_keys. -#}
{% macro has_param(array, key) %}
    {{- return(adapter.dispatch("has_param", "micro_conversions")(array, key)) -}}
{% endmacro %}

{% macro default__has_param(array, key) -%}
    '{{ key }}' in (select ep.key from unnest({{ array }}) as ep)
{%- endmacro %}

{% macro duckdb__has_param(array, key) -%}
    coalesce(list_contains(param_keys, '{{ key }}'), false)
{%- endmacro %}
