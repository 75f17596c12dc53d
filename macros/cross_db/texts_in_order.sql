{#- Aggregate: the texts of a group's rows with a space between them, in the order of a whole number that differs in
    each row; texts that are NULL are left out. DuckDB sorts a list faster than it adds up texts in an order. -#}
{% macro texts_in_order(text, number) %}
    {{- return(adapter.dispatch("texts_in_order", "micro_conversions")(text, number)) -}}
{% endmacro %}

{% macro default__texts_in_order(text, number) -%}
    string_agg({{ text }}, ' ' order by {{ number }})
{%- endmacro %}

{% macro duckdb__texts_in_order(text, number) -%}
    array_to_string(
        list_transform(
            list_sort(
                list(struct_pack(number := {{ number }}, text := {{ text }})) filter (where {{ text }} is not null)
            ),
            lambda one: one.text
        ), ' '
    )
{%- endmacro %}
