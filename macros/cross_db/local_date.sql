{#- The date in the property's time zone of a count of microseconds since 1970. -#}
{% macro local_date(expression) %}
    {{- return(adapter.dispatch("local_date", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__local_date(expression) -%}
    date(timestamp_micros({{ expression }}), '{{ var("property_time_zone") }}')
{%- endmacro %}

{% macro duckdb__local_date(expression) -%}
    cast(
        cast(make_timestamp({{ expression }}) as timestamp) at time zone 'UTC'
        at time zone '{{ var("property_time_zone") }}' as date
    )
{%- endmacro %}
