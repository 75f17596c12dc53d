{#- An array of structs as a table whose rows go by the name `alias`. -#}
{% macro unnest_as(array, alias) %}
    {{- return(adapter.dispatch("unnest_as", "micro_conversions")(array, alias)) -}}
{% endmacro %}

{% macro default__unnest_as(array, alias) %}unnest({{ array }}) as {{ alias }}{% endmacro %}

{% macro duckdb__unnest_as(array, alias) %}unnest({{ array }}) as {{ alias }}_rows ({{ alias }}){% endmacro %}
