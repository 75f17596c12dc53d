{#- The text of the parameter or property whose key stands in another column; the first where it repeats. -#}
{% macro lookup_text(array, key) %}
    {{- return(adapter.dispatch("lookup_text", "micro_conversions")(array, key)) -}}
{% endmacro %}

{% macro default__lookup_text(array, key) -%}
    (
        select {{ value_text("entry.value") }}
        from unnest({{ array }}) as entry with offset as position
        where entry.key = {{ key }}
        order by position
        limit 1
    )
{%- endmacro %}

{% macro duckdb__lookup_text(array, key) -%}
    list_extract(
        list_transform(
            list_filter({{ array }}, lambda entry: entry.key = {{ key }}),
            lambda entry: {{ value_text("entry.value") }}
        ), 1
    )
{%- endmacro %}
