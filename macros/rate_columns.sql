{#- The three columns of a rate: its value and Wilson's limits, all NULL under the minimum group size. -#}
{% macro rate_columns(successes, trials, name) -%}
    {%- set is_shown = trials ~ " >= " ~ var("minimum_group_size") -%}
        case when {{ is_shown }} then {{ successes }} / cast({{ trials }} as {{ type_float64() }}) end as {{ name }},
        case when {{ is_shown }} then {{ wilson_low(successes, trials) }} end as {{ name }}_low,
        case when {{ is_shown }} then {{ wilson_high(successes, trials) }} end as {{ name }}_high
{%- endmacro %}
