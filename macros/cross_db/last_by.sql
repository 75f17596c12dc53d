{#- Aggregate: the value of the row that comes last, among the rows where `condition` holds. -#}
{% macro last_by(value, order_by, condition) %}
    {{- return(adapter.dispatch("last_by", "micro_conversions")(value, order_by, condition)) -}}
{% endmacro %}

{% macro default__last_by(value, order_by, condition) -%}
    array_agg(
        if({{ condition }}, {{ value }}, null) ignore nulls
        order by {{ order_by | join(" desc, ") }} desc limit 1
    )[safe_offset(0)]
{%- endmacro %}

{% macro duckdb__last_by(value, order_by, condition) -%}
    arg_max({{ value }}, {{ sort_key(order_by) }}) filter (where {{ condition }})
{%- endmacro %}
