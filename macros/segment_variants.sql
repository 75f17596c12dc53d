{#- Segments by number: 0 is the total, then each dimension of session_segments() by itself, then pairs of two. A value
    of a pair is the first one's number times this base plus the second one's. -#}
{% macro segment_number_base() %}{{- return(var("largest_segments") | int + 2) -}}{% endmacro %}

{#- Every segment as a mapping of `name`, `dimension_number`, `number` (the SQL of its value's number over the columns
    <dimension>_number), `is_pair`, `is_watched`: whether it is the total or a dimension that is counted by day, and
    `is_diagnosed`: the same of conversions, whose alerts are taken apart by more dimensions. -#}
{% macro segment_variants() %}
    {%- set dimensions = session_segments("sessions") | list -%}
    {%- set segments = [
        {"name": "all", "dimension_number": 0, "number": "0", "is_pair": false, "is_watched": true, "is_diagnosed": true}
    ] -%}
    {%- for dimension in dimensions -%}
        {%- do segments.append({
            "name": dimension, "dimension_number": loop.index, "number": dimension ~ "_number",
            "is_pair": false, "is_watched": dimension in ("device_category", "channel_group"),
            "is_diagnosed": dimension not in ("session_source", "region")
        }) -%}
    {%- endfor -%}
    {%- for first, second in segment_pairs() -%}
        {%- do segments.append({
            "name": first ~ " x " ~ second,
            "dimension_number": (dimensions | length) + loop.index,
            "number": first ~ "_number * " ~ segment_number_base() ~ " + " ~ second ~ "_number",
            "is_pair": true, "is_watched": false, "is_diagnosed": false
        }) -%}
    {%- endfor -%}
    {{- return(segments) -}}
{% endmacro %}

{#- Pairs of dimensions, each once, the two in the order of the alphabet. -#}
{% macro segment_pairs() %}
    {%- set dimensions = session_segments("sessions") | list -%}
    {%- set pairs = [] -%}
    {%- for first in dimensions -%}
        {%- for second in dimensions if first < second -%}
            {%- do pairs.append([first, second]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(pairs) -}}
{% endmacro %}

{#- The CTEs that end in `segment_names`: dimension_number and segment_number to segment_dimension and segment_value.
    `sessions` is a CTE of int_sessions_segmented. Number 0 of a dimension is a unit outside any session. -#}
{% macro segment_names(sessions) -%}
{%- set dimensions = session_segments("sessions") | list -%}
{%- for dimension in dimensions %}
names_of_{{ dimension }} as (

    select
        {{ dimension }}_number as value_number,
        min({{ dimension }}) as value_name
    from {{ sessions }}
    group by {{ dimension }}_number

    union all

    select
        0 as value_number,
        '(unknown)' as value_name

),
{% endfor %}
segment_names as (

    select
        0 as dimension_number,
        0 as segment_number,
        'all' as segment_dimension,
        'all' as segment_value
    {%- for dimension in dimensions %}

    union all

    select
        {{ loop.index }} as dimension_number,
        value_number as segment_number,
        '{{ dimension }}' as segment_dimension,
        value_name as segment_value
    from names_of_{{ dimension }}
    {%- endfor %}
    {%- for first, second in segment_pairs() %}

    union all

    select
        {{ dimensions | length + loop.index }} as dimension_number,
        first_names.value_number * {{ segment_number_base() }} + second_names.value_number as segment_number,
        '{{ first }} x {{ second }}' as segment_dimension,
        first_names.value_name || ' x ' || second_names.value_name as segment_value
    from names_of_{{ first }} as first_names
    cross join names_of_{{ second }} as second_names
    {%- endfor %}

)
{%- endmacro %}

{#- A CTE of one row with the number of '(unknown)' in each dimension, 0 where no session has it, so that units outside
    any session fall into one segment with sessions of which nothing is known. -#}
{% macro unknown_numbers(sessions) -%}
unknown_numbers as (

    select
        {%- for dimension in session_segments("sessions") %}
        coalesce(max(case when {{ dimension }} = '(unknown)' then {{ dimension }}_number end), 0)
            as {{ dimension }}_number{{ "," if not loop.last }}
        {%- endfor %}
    from {{ sessions }}

)
{%- endmacro %}

{#- The numbers of all dimensions of a row of `relation` as one whole number, some bits for each: what is kept of millions
    of units has one size then, and goes to disk where memory ends. -#}
{% macro segment_code(relation) -%}
    {%- set bits = segment_number_bits() -%}
    {%- for dimension in session_segments("sessions") -%}
        (cast({{ relation }}.{{ dimension }}_number as int64) << {{ bits * loop.index0 }}){{ " | " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The number of the dimension at `place`, from 0, in such a code. -#}
{% macro number_of_segment_code(segment_code, place) -%}
    {%- set bits = segment_number_bits() -%}
    (({{ segment_code }} >> {{ bits * place }}) & {{ 2 ** bits - 1 }})
{%- endmacro %}

{% macro segment_number_bits() %}
    {%- set numbers = segment_number_base() -%}
    {%- for bits in range(2, 63 // (session_segments("sessions") | length) + 1) if 2 ** bits >= numbers -%}
        {{- return(bits) -}}
    {%- endfor -%}
    {{- exceptions.raise_compiler_error(
        "The var largest_segments is " ~ var("largest_segments") ~ "; no more than "
        ~ (2 ** (63 // (session_segments("sessions") | length)) - 2) ~ " values of a dimension can be told apart."
    ) -}}
{% endmacro %}
