{#- Run before anything else: tables that are kept from run to run must have the columns that this version writes, or old
    and new rows would stand side by side. What they hold in other columns is made anew by a full refresh alone. -#}
{% macro refuse_older_tables() %}
    {%- if not execute or flags.WHICH not in ("build", "run") or flags.FULL_REFRESH or flags.EMPTY -%}
        {{- return("") -}}
    {%- endif -%}
    {%- set older = [] -%}
    {%- for node in graph.nodes.values() if is_kept_table(node) -%}
        {%- set relation = adapter.get_relation(
            database=node.database, schema=node.schema, identifier=node.alias
        ) -%}
        {%- if relation is not none -%}
            {%- set described = node.columns.keys() | map("lower") | list -%}
            {%- set there = adapter.get_columns_in_relation(relation) | map(attribute="name") | map("lower") | list -%}
            {%- set missing = described | reject("in", there) | sort -%}
            {%- set unknown = there | reject("in", described) | sort -%}
            {%- for said, columns in {"lacks": missing, "still has": unknown}.items() if columns -%}
                {%- do older.append(node.alias ~ " " ~ said ~ " " ~ columns | join(", ")) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if older -%}
        {{- exceptions.raise_compiler_error(
            "The tables here were built by another version of this project, which no run may add to: " ~ older | join("; ")
            ~ ". No table was changed. Run `dbt build --full-refresh` once."
        ) -}}
    {%- endif -%}
{% endmacro %}

{#- A table of this project that runs add to. -#}
{% macro is_kept_table(node) %}
    {{- return(
        node.resource_type == "model" and node.package_name == "micro_conversions"
        and node.config.materialized == "incremental"
    ) -}}
{% endmacro %}
