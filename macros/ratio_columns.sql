{#- The three columns of a ratio of two rates that have Wilson's limits beside them (`<rate>_low`, `<rate>_high`): its
    value and the MOVER-R interval (Donner and Zou 2012), all NULL where a rate is not shown or the second one is 0. -#}
{% macro ratio_columns(rate, other_rate, name) -%}
    {%- set is_shown = rate ~ " is not null and " ~ other_rate ~ " > 0" -%}
    {%- set product = rate ~ " * " ~ other_rate -%}
    {%- set lower = rate ~ "_low * (2 * " ~ rate ~ " - " ~ rate ~ "_low)" -%}
    {%- set upper = rate ~ "_high * (2 * " ~ rate ~ " - " ~ rate ~ "_high)" -%}
    {%- set other_lower = other_rate ~ "_low * (2 * " ~ other_rate ~ " - " ~ other_rate ~ "_low)" -%}
    {%- set other_upper = other_rate ~ "_high * (2 * " ~ other_rate ~ " - " ~ other_rate ~ "_high)" -%}
        case when {{ is_shown }} then {{ rate }} / nullif({{ other_rate }}, 0) end as {{ name }},
        {#- The root with the smaller value, written so that a denominator of 0 or less leaves it defined. #}
        case
            when {{ is_shown }} and {{ rate }} = 0 then cast(0 as {{ type_float64() }})
            when {{ is_shown }}
                then {{ lower }} / nullif(
                    {{ product }} + sqrt(
                        greatest({{ product }} * {{ product }} - {{ lower }} * {{ other_upper }}, 0)
                    ), 0
                )
        end as {{ name }}_low,
        case
            when {{ is_shown }}
                then (
                    {{ product }} + sqrt(
                        greatest({{ product }} * {{ product }} - {{ upper }} * {{ other_lower }}, 0)
                    )
                ) / nullif({{ other_lower }}, 0)
        end as {{ name }}_high
{%- endmacro %}
