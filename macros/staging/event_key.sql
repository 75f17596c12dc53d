{#- The text that identifies an accepted event, the same on both warehouses; event_id is its MD5. It takes
    the columns as they arrived, so that whatever identity_columns() tells apart has another key. -#}
{% macro event_key() -%}
    {%- set as_sent = ["raw_stream_id", "raw_user_pseudo_id", "raw_event_name", "raw_event_date"] -%}
    {%- set parts = [] -%}
    {%- for column in [
        "property_id", "event_date", "raw_stream_id", "raw_user_pseudo_id", "event_timestamp", "raw_event_name",
        "raw_event_date",
        "batch_page_id", "batch_ordering_id", "batch_event_index", "copy_number"
    ] -%}
        {%- set text = key_text(column) if column in as_sent else "cast(" ~ column ~ " as " ~ dbt.type_string() ~ ")" -%}
        {%- do parts.append("coalesce(" ~ text ~ ", '')") -%}
    {%- endfor -%}
    {{ parts | join(" || '|' || ") }}
{%- endmacro %}

{#- Text that anybody may send, as a part of a key: it neither ends its part early nor reads as nothing at all. -#}
{% macro key_text(column) -%}
    case
        when {{ column }} = '' then '~'
        when {{ regexp_found(column, "'[|~]'") }} then replace(replace({{ column }}, '~', '~0'), '|', '~1')
        else {{ column }}
    end
{%- endmacro %}
