{#- The CTEs that end in `evidence_micros`: what may predict a macro-conversion, each with its bit in masks. The first
    bits are those of the placebos: made of a hash, they predict nothing, and a method that finds something in them is
    wrong. Micro-conversions follow by name, as many as an INT64 has room for. -#}
{% macro evidence_micros() -%}
catalogued_micros as (

    select
        conversion_name as micro_name,
        row_number() over (order by conversion_name) - 1 as place
    from {{ ref("dim_conversions") }}
    where conversion_type = 'micro'

),

evidence_micros as (

    select
        micro_name,
        false as is_placebo,
        cast(place as int64) as evidence_bit,
        cast(1 as int64) << cast(place + {{ placebo_shares() | length }} as int64) as micro_bit
    from catalogued_micros
    where place < {{ 62 - (placebo_shares() | length) }}
    {%- for name in placebo_shares() %}

    union all

    select
        '{{ name }}' as micro_name,
        true as is_placebo,
        cast(null as int64) as evidence_bit,
        {{ 2 ** loop.index0 }} as micro_bit
    {%- endfor %}

)
{%- endmacro %}

{#- Placebos: name to the share of clock steps, in thousandths, on which each is "done". -#}
{% macro placebo_shares() %}
    {{- return({"placebo_1pct": 10, "placebo_5pct": 50, "placebo_15pct": 150}) -}}
{% endmacro %}
