{#- What visitors are divided by: columns of int_visitors_segmented, each with its number beside it. -#}
{% macro visitor_segments() %}
    {{- return(["first_touch_channel_group", "first_touch_source", "device_category"]) -}}
{% endmacro %}

{#- The SQL of each segment's number over the columns <dimension>_number: 0 is everybody, then each dimension. -#}
{% macro visitor_segment_numbers() %}
    {%- set numbers = ["0"] -%}
    {%- for dimension in visitor_segments() -%}
        {%- do numbers.append(loop.index * segment_number_base() ~ " + " ~ dimension ~ "_number") -%}
    {%- endfor -%}
    {{- return(numbers) -}}
{% endmacro %}

{#- The CTE `visitor_segment_names`: segment_number to segment_dimension and segment_value. `visitors` is a CTE of
    int_visitors_segmented. -#}
{% macro visitor_segment_names(visitors) -%}
visitor_segment_names as (

    select
        0 as segment_number,
        'all' as segment_dimension,
        'all' as segment_value
    {%- for dimension in visitor_segments() %}

    union all

    select
        {{ loop.index * segment_number_base() }} + {{ dimension }}_number as segment_number,
        '{{ dimension }}' as segment_dimension,
        min({{ dimension }}) as segment_value
    from {{ visitors }}
    group by {{ dimension }}_number
    {%- endfor %}

)
{%- endmacro %}
