{#- A parameter's value struct as text, whichever of its four fields holds it. -#}
{% macro value_text(value) -%}
    coalesce(
        {{ value }}.string_value,
        cast({{ value }}.int_value as {{ dbt.type_string() }}),
        {{ number_text(value ~ ".double_value") }},
        {{ number_text(value ~ ".float_value") }}
    )
{%- endmacro %}

{#- A floating number as text that both warehouses write alike: whole numbers without a fraction. -#}
{% macro number_text(expression) -%}
    case
        when {{ expression }} = floor({{ expression }}) and abs({{ expression }}) < 1e15
            then cast({{ safe_cast_to(expression, "int64") }} as {{ dbt.type_string() }})
        else cast({{ expression }} as {{ dbt.type_string() }})
    end
{%- endmacro %}
