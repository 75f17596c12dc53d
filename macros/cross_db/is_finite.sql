{#- Whether a floating number is neither NaN nor infinite. -#}
{% macro is_finite(expression) %}
    {{- return(adapter.dispatch("is_finite", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__is_finite(expression) %}not (is_nan({{ expression }}) or is_inf({{ expression }})){% endmacro %}

{% macro duckdb__is_finite(expression) %}isfinite({{ expression }}){% endmacro %}
