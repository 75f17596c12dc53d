{#- What makes two raw rows candidates for being the same event; parameters and items decide. -#}
{% macro identity_columns() %}
    {{- return([
        "property_id", "shard_date", "stream_id", "user_pseudo_id", "event_timestamp", "event_name", "event_date",
        "batch_page_id", "batch_ordering_id", "batch_event_index"
    ]) -}}
{% endmacro %}

{#- The raw columns by name. -#}
{% macro export_column_list(relation) -%}
    {%- for name in ga4_export_columns() %}
        {{ relation }}.{{ name }},
    {%- endfor %}
        {{ relation }}.property_id,
        {{ relation }}.shard_date,
        {{ relation }}.source_table_kind,
        {{ relation }}.source_version
{%- endmacro %}

{#- The event parameters that become columns, and those that may hold personal data: they come redacted. -#}
{% macro staged_parameters() %}
    {{- return([
        "ga_session_id", "ga_session_number", "session_engaged", "engagement_time_msec", "percent_scrolled", "value",
        "currency", "transaction_id", "traffic_type", "firebase_conversion", "source", "medium", "gclid",
        "batch_page_id", "batch_ordering_id", "batch_event_index"
    ]) -}}
{% endmacro %}

{% macro redacted_parameters() %}
    {{- return([
        "page_location", "page_referrer", "page_title", "firebase_screen", "search_term", "link_url", "file_name",
        "form_id", "campaign"
    ]) -}}
{% endmacro %}
