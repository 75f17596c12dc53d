{#- A parameter's value struct as an integer: the integer field, else digits in the text, else the whole part of a float. -#}
{% macro value_int(value) -%}
    coalesce(
        {{ value }}.int_value,
        case
            when {{ regexp_found(value ~ ".string_value", "'^-?[0-9]{1,18}$'") }}
                then {{ safe_cast_to(value ~ ".string_value", "int64") }}
        end,
        {{ safe_cast_to("floor(coalesce(" ~ value ~ ".double_value, " ~ value ~ ".float_value))", "int64") }}
    )
{%- endmacro %}
