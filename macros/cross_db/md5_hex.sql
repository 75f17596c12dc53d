{#- MD5 of a string as 32 lower-case hexadecimal digits. -#}
{% macro md5_hex(expression) %}
    {{- return(adapter.dispatch("md5_hex", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__md5_hex(expression) %}to_hex(md5({{ expression }})){% endmacro %}

{% macro duckdb__md5_hex(expression) %}md5({{ expression }}){% endmacro %}
