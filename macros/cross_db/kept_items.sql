{#- The items of an event with the fields of ga4_item_fields() and no other, so that an export that gains
    a field changes no table; their names are redacted. -#}
{% macro kept_items() %}
    {{- return(adapter.dispatch("kept_items", "micro_conversions")()) -}}
{% endmacro %}

{% macro default__kept_items() -%}
    array(
        select
            struct(
                {%- for field, type in ga4_item_fields().items() %}
                {%- set value = "safe_cast(item." ~ field ~ " as " ~ type ~ ")" %}
                {{ redact_name(value) if type == "string" else value }} as {{ field }}{{ "," if not loop.last }}
                {%- endfor %}
            )
        from unnest(items) as item with offset as position
        order by position
    )
{%- endmacro %}

{% macro duckdb__kept_items() -%}
    list_transform(
        try_cast(items as {{ duckdb_type_of([ga4_item_fields()]) }}),
        lambda item: struct_pack(
            {%- for field, type in ga4_item_fields().items() %}
            {{ field }} := {{ redact_name("item." ~ field) if type == "string" else "item." ~ field }}
            {{- "," if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}
