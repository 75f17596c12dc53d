{#- The date written as YYYYMMDD, NULL where it is none. -#}
{% macro parse_yyyymmdd(expression) %}
    {{- return(adapter.dispatch("parse_yyyymmdd", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__parse_yyyymmdd(expression) %}safe.parse_date('%Y%m%d', {{ expression }}){% endmacro %}

{% macro duckdb__parse_yyyymmdd(expression) -%}
    cast(try_strptime({{ expression }}, '%Y%m%d') as date)
{%- endmacro %}
