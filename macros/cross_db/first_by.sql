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
    arg_min({{ value }}, {{ sort_key(order_by) }}) filter (where {{ condition }})
{%- endmacro %}

{#- What orders rows as some columns do, on DuckDB: made once for all aggregates of a statement that ask for it, where
    each would make its own of a row of columns. One column by itself is compared as it is. -#}
{% macro sort_key(order_by) -%}
    {%- if order_by | length == 1 -%}
        {{ order_by[0] }}
    {%- else -%}
        create_sort_key(row({{ order_by | join(", ") }}), 'ASC NULLS LAST')
    {%- endif -%}
{%- endmacro %}
