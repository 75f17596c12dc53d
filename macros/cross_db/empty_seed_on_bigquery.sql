{#- A seed without rows, such as own_hostnames at first, has a table on BigQuery too: the adapter only loads
    rows, so that without any there would be no table to join. These two macros of the adapter are ours. -#}
{% macro bigquery__create_csv_table(model, agate_table) %}
    {%- if agate_table.rows | length == 0 -%}
        {%- set types = model["config"]["column_types"] -%}
        {%- call statement() -%}
            create or replace table {{ this.render() }} (
                {%- for name in agate_table.column_names %}
                {{ adapter.quote(name) }} {{ types[name] }}{{ "," if not loop.last }}
                {%- endfor %}
            )
        {%- endcall -%}
    {%- endif -%}
{% endmacro %}

{% macro bigquery__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {%- do adapter.drop_relation(old_relation) -%}
    {%- do bigquery__create_csv_table(model, agate_table) -%}
{% endmacro %}
