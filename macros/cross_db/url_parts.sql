{#- The part of a string before the first separator, and the one between it and the next (empty or NULL
    where there is none). -#}
{% macro text_before(expression, separator) %}
    {{- return(adapter.dispatch("text_before", "micro_conversions")(expression, separator)) -}}
{% endmacro %}

{% macro default__text_before(expression, separator) -%}
    split({{ expression }}, '{{ separator }}')[safe_offset(0)]
{%- endmacro %}

{% macro duckdb__text_before(expression, separator) -%}
    split_part({{ expression }}, '{{ separator }}', 1)
{%- endmacro %}

{% macro text_after(expression, separator) %}
    {{- return(adapter.dispatch("text_after", "micro_conversions")(expression, separator)) -}}
{% endmacro %}

{% macro default__text_after(expression, separator) -%}
    split({{ expression }}, '{{ separator }}')[safe_offset(1)]
{%- endmacro %}

{% macro duckdb__text_after(expression, separator) -%}
    split_part({{ expression }}, '{{ separator }}', 2)
{%- endmacro %}
