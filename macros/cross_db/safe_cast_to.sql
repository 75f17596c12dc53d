{#- The value as another type, NULL where it cannot be. -#}
{% macro safe_cast_to(expression, type) %}
    {{- return(adapter.dispatch("safe_cast_to", "micro_conversions")(expression, type)) -}}
{% endmacro %}

{% macro default__safe_cast_to(expression, type) %}safe_cast({{ expression }} as {{ type }}){% endmacro %}

{% macro duckdb__safe_cast_to(expression, type) %}try_cast({{ expression }} as {{ type }}){% endmacro %}
