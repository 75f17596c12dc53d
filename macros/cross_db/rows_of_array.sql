{#- `columns` of `relation` once per element of `array`, which goes by the name `alias`. DuckDB would carry whole rows
    along in a join, twelve times as slow. -#}
{% macro rows_of_array(relation, columns, array, alias) %}
    {{- return(adapter.dispatch("rows_of_array", "micro_conversions")(relation, columns, array, alias)) -}}
{% endmacro %}

{% macro default__rows_of_array(relation, columns, array, alias) -%}
    select
        {%- for column in columns %}
        {{ relation }}.{{ column }},
        {%- endfor %}
        {{ alias }}
    from {{ relation }}
    cross join unnest({{ relation }}.{{ array }}) as {{ alias }}
{%- endmacro %}

{% macro duckdb__rows_of_array(relation, columns, array, alias) -%}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        unnest({{ array }}) as {{ alias }}
    from {{ relation }}
{%- endmacro %}
