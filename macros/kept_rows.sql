{#- The rows that this table has from before, or none in the columns that its .yml names: for tables that `microconv` fills
    and dbt only keeps. A column that is new is empty in old rows. -#}
{% macro kept_rows() %}
    {%- set before = earlier_relation(model.name) -%}
    {%- set there = [] if before is none else adapter.get_columns_in_relation(before) | map(attribute="name") | list -%}
    select
        {%- for name, column in model.columns.items() %}
        {% if name in there -%}
            before.{{ name }}
        {%- else -%}
            cast(null as {{ column.data_type }}) as {{ name }}
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ before if before is not none else "(select 1 as nothing)" }} as before
    {{ "limit 0" if before is none }}
{% endmacro %}
