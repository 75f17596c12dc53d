{#- Every match of an RE2 regular expression (its text) replaced by a plain string. -#}
{% macro regexp_replace_all(expression, pattern, replacement) %}
    {{- return(
        adapter.dispatch("regexp_replace_all", "micro_conversions")(expression, pattern, replacement)
    ) -}}
{% endmacro %}

{% macro default__regexp_replace_all(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, r'{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{% macro duckdb__regexp_replace_all(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
