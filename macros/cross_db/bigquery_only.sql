{#- A configuration value that only BigQuery understands (dbt-duckdb rejects a dict partition_by). -#}
{% macro bigquery_only(value) %}
    {{- return(adapter.dispatch("bigquery_only", "micro_conversions")(value)) -}}
{% endmacro %}

{% macro default__bigquery_only(value) %}
    {{- return(value) -}}
{% endmacro %}

{% macro duckdb__bigquery_only(value) %}
    {{- return(none) -}}
{% endmacro %}
