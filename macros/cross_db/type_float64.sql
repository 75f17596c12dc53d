{#- The 64-bit floating type: the one scalar type that the two warehouses name differently. -#}
{% macro type_float64() %}
    {{- return(adapter.dispatch("type_float64", "micro_conversions")()) -}}
{% endmacro %}

{% macro default__type_float64() %}float64{% endmacro %}

{% macro duckdb__type_float64() %}double{% endmacro %}
