{#- Two-sided p-value of a standard normal z, by Abramowitz and Stegun 26.2.17 (absolute error < 1.5e-7). -#}
{% macro normal_p_value(z) -%}
    {%- set t = "(1 / (1 + 0.2316419 * abs(" ~ z ~ ")))" -%}
    {#- NULL stays NULL, which DuckDB's least would pass over. #}
    case when {{ z }} is not null then least(
        1,
        2 * 0.3989422804014327 * exp(-{{ z }} * {{ z }} / 2) * {{ t }} * (
            0.319381530 + {{ t }} * (
                -0.356563782 + {{ t }} * (1.781477937 + {{ t }} * (-1.821255978 + {{ t }} * 1.330274429))
            )
        )
    ) end
{%- endmacro %}
