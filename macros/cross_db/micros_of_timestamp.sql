{#- Microseconds since 1970 of a UTC timestamp. -#}
{% macro micros_of_timestamp(expression) %}
    {{- return(adapter.dispatch("micros_of_timestamp", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__micros_of_timestamp(expression) %}unix_micros({{ expression }}){% endmacro %}

{% macro duckdb__micros_of_timestamp(expression) %}epoch_us({{ expression }}){% endmacro %}
