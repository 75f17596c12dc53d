{#- A quick 64-bit hash of a string. It differs between warehouses: use it only where a collision or
    another value changes the work done and never the rows that result. -#}
{% macro fast_hash(expression) %}
    {{- return(adapter.dispatch("fast_hash", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__fast_hash(expression) %}farm_fingerprint({{ expression }}){% endmacro %}

{% macro duckdb__fast_hash(expression) %}hash({{ expression }}){% endmacro %}
