{#- Microseconds since 1970 at which a date begins in the property's time zone. -#}
{% macro local_midnight_micros(expression) %}
    {{- return(adapter.dispatch("local_midnight_micros", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__local_midnight_micros(expression) -%}
    unix_micros(timestamp({{ expression }}, '{{ var("property_time_zone") }}'))
{%- endmacro %}

{#- From the last moment of the day before: where clocks go back from one to midnight (Azores, Cuba), DuckDB takes the
    second of two midnights. -#}
{% macro duckdb__local_midnight_micros(expression) -%}
    (epoch_us(
        (cast({{ expression }} as timestamp) - interval 1 microsecond) at time zone '{{ var("property_time_zone") }}'
    ) + 1)
{%- endmacro %}
