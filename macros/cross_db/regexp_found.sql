{#- Whether an RE2 regular expression is found in a string. -#}
{% macro regexp_found(expression, pattern) %}
    {{- return(adapter.dispatch("regexp_found", "micro_conversions")(expression, pattern)) -}}
{% endmacro %}

{% macro default__regexp_found(expression, pattern) %}regexp_contains({{ expression }}, {{ pattern }}){% endmacro %}

{% macro duckdb__regexp_found(expression, pattern) %}regexp_matches({{ expression }}, {{ pattern }}){% endmacro %}
