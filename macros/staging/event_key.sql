{#- The text that identifies an accepted event, the same on both warehouses; event_id is its MD5. It takes
    the columns as they arrived, so that whatever identity_columns() tells apart has another key. -#}
{% macro event_key() -%}
    {%- set parts = [] -%}
    {%- for column in [
        "property_id", "event_date", "raw_stream_id", "raw_user_pseudo_id", "event_timestamp", "raw_event_name",
        "raw_event_date",
        "batch_page_id", "batch_ordering_id", "batch_event_index", "copy_number"
    ] -%}
        {%- do parts.append("coalesce(cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '')") -%}
    {%- endfor -%}
    {{ parts | join(" || '|' || ") }}
{%- endmacro %}
