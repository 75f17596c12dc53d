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

{#- An amount of money, NULL where it is none: NaN, infinite, or beyond ten million, which no order is worth and which would
    overflow sums of squares. -#}
{% macro amount(expression) -%}
    case when abs({{ expression }}) <= 10000000 then {{ expression }} end
{%- endmacro %}
