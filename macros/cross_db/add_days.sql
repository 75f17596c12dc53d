{#- The date a number of days after another (before it when negative). -#}
{% macro add_days(expression, days) %}
    {{- return(adapter.dispatch("add_days", "micro_conversions")(expression, days)) -}}
{% endmacro %}

{% macro default__add_days(expression, days) %}date_add({{ expression }}, interval {{ days }} day){% endmacro %}

{% macro duckdb__add_days(expression, days) %}({{ expression }} + cast({{ days }} as integer)){% endmacro %}
