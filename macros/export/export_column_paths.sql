{#- Every leaf of ga4_export_columns() as a mapping of dotted path to type; array levels have no name. -#}
{% macro export_column_paths(node=none, prefix="") %}
    {%- set node = ga4_export_columns() if node is none else node -%}
    {%- set paths = {} -%}
    {%- for name in node -%}
        {%- set child = node[name] -%}
        {%- set path = prefix ~ name -%}
        {%- if child is string -%}
            {%- do paths.update({path: child}) -%}
        {%- elif child is mapping -%}
            {%- do paths.update(export_column_paths(child, path ~ ".")) -%}
        {%- else -%}
            {%- do paths.update(export_column_paths(child[0], path ~ ".")) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(paths) -}}
{% endmacro %}
