{#- SHA-256 of a string as 64 lower-case hexadecimal digits. -#}
{% macro sha256_hex(expression) %}
    {{- return(adapter.dispatch("sha256_hex", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__sha256_hex(expression) %}to_hex(sha256({{ expression }})){% endmacro %}

{% macro duckdb__sha256_hex(expression) %}sha256({{ expression }}){% endmacro %}
