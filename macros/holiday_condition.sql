{#- Whether a date is one of the var `holidays`. -#}
{% macro holiday_condition(date_expression) -%}
    {%- if var("holidays") -%}
        {{ date_expression }} in (
            {%- for day in var("holidays") %}date '{{ day | string | replace("'", "") }}'{{ ", " if not loop.last }}{% endfor -%}
        )
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}
