{#- Sales cycles run on two clocks: days since the first visit (moments in microseconds) and visits (moments counted
    from 1). A line is a segment on a clock: line_number is twice segment_number, plus 1 on the clock of visits. -#}
{% macro cycle_clocks() %}
    {{- return({
        "days": {"unit": 86400000000, "horizons": [1, 3, 7, 14, 30, 60, 90]},
        "visits": {"unit": 1, "horizons": [1, 2, 3, 4, 5, 10]}
    }) -}}
{% endmacro %}

{#- Variants for row_per_variant: every line of a clock, its line_number beside `columns` by name. -#}
{% macro cycle_line_variants(clock, columns) %}
    {%- set variants = [] -%}
    {%- for number in visitor_segment_numbers() -%}
        {%- set variant = {"line_number": "2 * (" ~ number ~ ") + " ~ (cycle_clocks() | list).index(clock)} -%}
        {%- do variant.update(columns) -%}
        {%- do variants.append(variant) -%}
    {%- endfor -%}
    {{- return(variants) -}}
{% endmacro %}

{#- For each line two moments of a cycle: of the conversion, and until which the visitor is followed. -#}
{% macro cycle_moment_variants() %}
    {%- set reached = {"days": "cycle_micros", "visits": "cycle_visit_count"} -%}
    {%- set followed = {"days": "followed_micros", "visits": "visit_count"} -%}
    {%- set variants = [] -%}
    {%- for clock in cycle_clocks() -%}
        {%- do variants.extend(
            cycle_line_variants(clock, {"moment": reached[clock], "event_count": "1", "gone_count": "0"})
        ) -%}
        {%- do variants.extend(
            cycle_line_variants(clock, {"moment": followed[clock], "event_count": "0", "gone_count": "1"})
        ) -%}
    {%- endfor -%}
    {{- return(variants) -}}
{% endmacro %}

{#- The CTE `cycle_horizons`: the moments of each clock that a share is asked for. -#}
{% macro cycle_horizons() -%}
cycle_horizons as (
    {%- for clock, ticks in cycle_clocks().items() %}
    {%- set clock_loop = loop %}
    {%- for horizon in ticks["horizons"] %}

    select
        {{ clock_loop.index0 }} as clock_number,
        '{{ clock }}' as clock,
        {{ horizon }} as horizon,
        {{ horizon * ticks["unit"] }} as moment,
        {{ ticks["unit"] }} as unit
    {%- if not (loop.last and clock_loop.last) %}

    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}

)
{%- endmacro %}
