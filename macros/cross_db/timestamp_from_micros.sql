{#- The UTC timestamp of a count of microseconds since 1970. -#}
{% macro timestamp_from_micros(expression) %}
    {{- return(adapter.dispatch("timestamp_from_micros", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__timestamp_from_micros(expression) %}timestamp_micros({{ expression }}){% endmacro %}

{% macro duckdb__timestamp_from_micros(expression) %}make_timestamp({{ expression }}){% endmacro %}
