{#- The dataset (schema) of a node: the one that `layer_datasets` names for its layer, else the target's. Seeds are
    the layer `seeds`; a `schema` set on a node is taken as it is written. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set layer = "seeds" if node.resource_type == "seed" else node.fqn[1] -%}
    {{- custom_schema_name or var("layer_datasets", {}).get(layer) or target.schema -}}
{%- endmacro %}
