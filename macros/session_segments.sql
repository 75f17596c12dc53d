{#- The dimensions that sessions are compared by: name of the dimension to the expression of its value. -#}
{% macro session_segments(sessions) %}
    {{- return({
        "device_category": sessions ~ ".device_category",
        "visitor_type": "case when " ~ sessions ~ ".is_new_visitor then 'new' else 'returning' end",
        "channel_group": sessions ~ ".channel_group",
        "session_source": sessions ~ ".session_source",
        "country": sessions ~ ".country",
        "region": sessions ~ ".region",
        "landing_page_path": sessions ~ ".landing_page_path"
    }) -}}
{% endmacro %}
