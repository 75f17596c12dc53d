{#- The items of an event with the fields of ga4_item_fields() and no other, so that an export that gains
    a field changes no table. -#}
{% macro kept_items() %}
    {{- return(adapter.dispatch("kept_items", "micro_conversions")()) -}}
{% endmacro %}

{% macro default__kept_items() -%}
    array(
        select
            struct(
                {%- for field, type in ga4_item_fields().items() %}
                safe_cast(item.{{ field }} as {{ type }}) as {{ field }}{{ "," if not loop.last }}
                {%- endfor %}
            )
        from unnest(items) as item with offset as position
        order by position
    )
{%- endmacro %}

{% macro duckdb__kept_items() -%}
    try_cast(items as {{ duckdb_type_of([ga4_item_fields()]) }})
{%- endmacro %}
