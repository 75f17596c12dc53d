{#- The dataset (schema) of a node: the one that `layer_datasets` names for its layer, else the target's. Seeds are
    the layer `seeds`; a `schema` set on a model is taken as it is written, stored failures lie apart. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if node.resource_type == "test" -%}
        {{- target.schema ~ ("_" ~ custom_schema_name if custom_schema_name else "") -}}
    {%- else -%}
        {%- set layer = "seeds" if node.resource_type == "seed" else node.fqn[1] -%}
        {{- custom_schema_name or var("layer_datasets", {}).get(layer) or target.schema -}}
    {%- endif -%}
{%- endmacro %}
