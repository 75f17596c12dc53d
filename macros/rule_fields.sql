{#- The text of the staged column that a rule's `field` names. -#}
{% macro column_text(relation, field) -%}
    {%- set text_columns = [
        "page_path", "page_location", "page_title", "page_referrer", "search_term", "link_url", "file_name",
        "form_id", "currency", "device_category", "country", "platform", "transaction_id", "event_source",
        "event_medium", "event_campaign", "hostname"
    ] -%}
    {%- set number_columns = ["engagement_seconds", "event_value", "revenue_usd"] -%}
    {%- set integer_columns = ["percent_scrolled", "session_number"] -%}
    case
        {%- for column in text_columns %}
        when {{ field }} = '{{ column }}' then {{ relation }}.{{ column }}
        {%- endfor %}
        {%- for column in number_columns %}
        when {{ field }} = '{{ column }}' then {{ number_text(relation ~ "." ~ column) }}
        {%- endfor %}
        {%- for column in integer_columns %}
        when {{ field }} = '{{ column }}' then cast({{ relation }}.{{ column }} as {{ dbt.type_string() }})
        {%- endfor %}
    end
{%- endmacro %}

{#- The text of the parameter or user property that a rule's `field` names. -#}
{% macro array_text(relation, field) -%}
    case
        when starts_with({{ field }}, 'param:')
            then {{ lookup_text(relation ~ ".event_params", "substr(" ~ field ~ ", 7)") }}
        when starts_with({{ field }}, 'user_property:')
            then {{ lookup_text(relation ~ ".user_properties", "substr(" ~ field ~ ", 15)") }}
    end
{%- endmacro %}

{#- The text of the item field that a rule's `field` names. -#}
{% macro item_field_text(item, field) -%}
    case
        {%- for name, type in ga4_item_fields().items() %}
        when {{ field }} = 'item:{{ name }}'
            then {% if type == "float64" -%}
                {{ number_text(item ~ "." ~ name) }}
            {%- else -%}
                cast({{ item }}.{{ name }} as {{ dbt.type_string() }})
            {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{#- The text of whatever of the event `field` names, but for its items; NULL where it is empty. -#}
{% macro event_text(relation, field) -%}
    case
        when strpos({{ field }}, ':') > 0
            then {{ array_text(relation, field) }}
        else {{ column_text(relation, field) }}
    end
{%- endmacro %}
