{#- The single dimensions that alerts are taken apart by: those of segments that are counted by day, and browsers, which
    nothing else is counted by. -#}
{% macro watched_dimensions() %}
    {%- set found = [] -%}
    {%- for segment in segment_variants() if segment["is_diagnosed"] and segment["name"] != "all" -%}
        {%- do found.append(segment["name"]) -%}
    {%- endfor -%}
    {{- return(found + ["browser"]) -}}
{% endmacro %}
