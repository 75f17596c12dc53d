{#- Every row of `relation` once per variant: `columns` as they are, and beside them the columns of the variant
    (a mapping of name to SQL expression over `relation`; all variants name the same). BigQuery reads
    the relation once; DuckDB streams it once per variant, twice as fast as through lists. -#}
{% macro row_per_variant(relation, columns, variants) %}
    {{- return(adapter.dispatch("row_per_variant", "micro_conversions")(relation, columns, variants)) -}}
{% endmacro %}

{% macro default__row_per_variant(relation, columns, variants) %}
    select
        {%- for column in columns %}
        {{ relation }}.{{ column }},
        {%- endfor %}
        {%- for name in variants[0] %}
        variant.{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    cross join unnest([
        {%- for variant in variants %}
        struct(
            {%- for name, expression in variant.items() -%}
                {{ expression }} as {{ name }}{{ ", " if not loop.last }}
            {%- endfor -%}
        ){{ "," if not loop.last }}
        {%- endfor %}
    ]) as variant
{% endmacro %}

{% macro duckdb__row_per_variant(relation, columns, variants) %}
    {%- for variant in variants %}
    select
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        {%- for name, expression in variant.items() %}
        {{ expression }} as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ relation }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{% endmacro %}
