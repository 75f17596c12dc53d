{#- An array of the dates from one to another, both included. -#}
{% macro dates_between(first, last) %}
    {{- return(adapter.dispatch("dates_between", "micro_conversions")(first, last)) -}}
{% endmacro %}

{% macro default__dates_between(first, last) %}generate_date_array({{ first }}, {{ last }}){% endmacro %}

{% macro duckdb__dates_between(first, last) -%}
    cast(generate_series({{ first }}, {{ last }}, interval 1 day) as date[])
{%- endmacro %}
