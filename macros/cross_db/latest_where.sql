{#- Window aggregate: the value of the last row before this one where `condition` holds. `order_key` is a number that
    rises with the rows of the window. DuckDB looks the row up in a tree, since its last_value walks back over every
    NULL, which is quadratic where few rows qualify. -#}
{% macro latest_where(value, condition, order_key, window_name) %}
    {{- return(adapter.dispatch("latest_where", "micro_conversions")(value, condition, order_key, window_name)) -}}
{% endmacro %}

{% macro default__latest_where(value, condition, order_key, window_name) -%}
    last_value(case when {{ condition }} then {{ value }} end ignore nulls) over {{ window_name }}
{%- endmacro %}

{% macro duckdb__latest_where(value, condition, order_key, window_name) -%}
    arg_max({{ value }}, {{ order_key }}) filter (where {{ condition }}) over {{ window_name }}
{%- endmacro %}
