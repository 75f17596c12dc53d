{#- The Monday of a date's week. -#}
{% macro week_start(expression) %}
    {{- return(adapter.dispatch("week_start", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__week_start(expression) %}date_trunc({{ expression }}, isoweek){% endmacro %}

{% macro duckdb__week_start(expression) %}cast(date_trunc('week', {{ expression }}) as date){% endmacro %}
