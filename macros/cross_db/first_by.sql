{#- Aggregate: the value of the row that comes first, among the rows where `condition` holds.
    `order_by` is a list of columns that orders the rows totally. -#}
{% macro first_by(value, order_by, condition) %}
    {{- return(adapter.dispatch("first_by", "micro_conversions")(value, order_by, condition)) -}}
{% endmacro %}

{% macro default__first_by(value, order_by, condition) -%}
    array_agg(
        if({{ condition }}, {{ value }}, null) ignore nulls order by {{ order_by | join(", ") }} limit 1
    )[safe_offset(0)]
{%- endmacro %}

{% macro duckdb__first_by(value, order_by, condition) -%}
    arg_min({{ value }}, row({{ order_by | join(", ") }})) filter (where {{ condition }})
{%- endmacro %}
