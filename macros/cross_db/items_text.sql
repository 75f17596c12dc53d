{#- What tells items apart, as one text, to compare the content of repeated rows. -#}
{% macro items_text(array) %}
    {{- return(adapter.dispatch("items_text", "micro_conversions")(array)) -}}
{% endmacro %}

{% macro default__items_text(array) -%}
    (
        select
            string_agg(
                coalesce(item.item_id, '') || '/' || coalesce(item.item_name, '') || '/'
                || coalesce(cast(item.quantity as string), '') || '/'
                || coalesce(item.item_list_name, '') || '/' || coalesce(item.promotion_name, ''),
                '&' order by position
            )
        from unnest({{ array }}) as item with offset as position
    )
{%- endmacro %}

{% macro duckdb__items_text(array) -%}
    array_to_string(
        list_transform(
            {{ array }},
            lambda item: coalesce(item.item_id, '') || '/' || coalesce(item.item_name, '') || '/'
                || coalesce(cast(item.quantity as varchar), '') || '/'
                || coalesce(item.item_list_name, '') || '/' || coalesce(item.promotion_name, '')
        ), '&'
    )
{%- endmacro %}
