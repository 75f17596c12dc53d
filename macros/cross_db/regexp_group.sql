{#- What the first group of an RE2 regular expression captured, NULL where nothing matched.
    `pattern` is the expression's text. -#}
{% macro regexp_group(expression, pattern) %}
    {{- return(adapter.dispatch("regexp_group", "micro_conversions")(expression, pattern)) -}}
{% endmacro %}

{% macro default__regexp_group(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, r'{{ pattern }}'), '')
{%- endmacro %}

{% macro duckdb__regexp_group(expression, pattern) -%}
    nullif(regexp_extract({{ expression }}, '{{ pattern }}', 1), '')
{%- endmacro %}
