{#- Marks a CTE that several others read but that must not be kept in memory as a whole. BigQuery never keeps
    one; DuckDB would, with every column that any of them reads. -#}
{% macro not_materialized() %}
    {{- return(adapter.dispatch("not_materialized", "micro_conversions")()) -}}
{% endmacro %}

{% macro default__not_materialized() %}{% endmacro %}

{% macro duckdb__not_materialized() %}not materialized{% endmacro %}
