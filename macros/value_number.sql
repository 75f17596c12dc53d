{#- A parameter's value struct as a finite number, whichever of its four fields holds it. -#}
{% macro value_number(value) -%}
    {{ finite(
        "coalesce(" ~ value ~ ".double_value, " ~ value ~ ".float_value, cast(" ~ value ~ ".int_value as "
        ~ type_float64() ~ "), " ~ safe_cast_to(value ~ ".string_value", type_float64()) ~ ")"
    ) }}
{%- endmacro %}

{#- A number, NULL where it is NaN or infinite. -#}
{% macro finite(expression) -%}
    case when {{ is_finite(expression) }} then {{ expression }} end
{%- endmacro %}
