{#- A value as JSON text. -#}
{% macro to_json_text(expression) %}
    {{- return(adapter.dispatch("to_json_text", "micro_conversions")(expression)) -}}
{% endmacro %}

{% macro default__to_json_text(expression) %}to_json_string({{ expression }}){% endmacro %}

{% macro duckdb__to_json_text(expression) %}cast(to_json({{ expression }}) as varchar){% endmacro %}
