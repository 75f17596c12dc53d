{#- A struct of columns, each under its own name. -#}
{% macro struct_of(columns) %}
    {{- return(adapter.dispatch("struct_of", "micro_conversions")(columns)) -}}
{% endmacro %}

{% macro default__struct_of(columns) -%}
    struct({% for column in columns %}{{ column }} as {{ column }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro duckdb__struct_of(columns) -%}
    struct_pack({% for column in columns %}{{ column }} := {{ column }}{{ ", " if not loop.last }}{% endfor %})
{%- endmacro %}
