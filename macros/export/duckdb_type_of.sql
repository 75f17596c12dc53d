{#- The DuckDB type of a node of ga4_export_columns(). -#}
{% macro duckdb_type_of(node) %}
    {%- if node is string -%}
        {{- return("double" if node == "float64" else "varchar" if node == "string" else "bigint") -}}
    {%- elif node is mapping -%}
        {%- set fields = [] -%}
        {%- for name in node -%}
            {%- do fields.append('"' ~ name ~ '" ' ~ duckdb_type_of(node[name])) -%}
        {%- endfor -%}
        {{- return("struct(" ~ fields | join(", ") ~ ")") -}}
    {%- else -%}
        {{- return(duckdb_type_of(node[0]) ~ "[]") -}}
    {%- endif -%}
{% endmacro %}
