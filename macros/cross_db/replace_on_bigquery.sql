{#- The strategy `replace` (see get_incremental_replace_sql) on BigQuery. The adapter knows three strategies
    by name and none of them fits: a day of one property must not empty that of another, and whole visitors
    are replaced wherever their days lie. These two macros of the adapter are therefore ours. -#}
{% macro dbt_bigquery_validate_get_incremental_strategy(config) %}
    {%- set strategy = config.get("incremental_strategy") -%}
    {%- if strategy != "replace" -%}
        {{- exceptions.raise_compiler_error(
            "Incremental strategy of this project is `replace`, not: " ~ strategy
        ) -}}
    {%- endif -%}
    {{- return(strategy) -}}
{% endmacro %}

{#- One script, one job. A reader sees the table before or after the transaction, never in between, and
    what fails leaves it as it was. The dates are a variable, so that only their partitions are read. -#}
{% macro bq_generate_incremental_build_sql(
    strategy, tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns,
    tmp_relation_exists, copy_partitions, incremental_predicates
) %}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute="name")) -%}
    {%- set replaces = model.config.meta["replaces"] -%}
    {%- if replaces == "days" %}
    declare replaced_dates array<date>;
    {%- endif %}
    {%- if not tmp_relation_exists %}
    {{ create_table_as(True, tmp_relation, sql) }}
    {%- endif %}
    {%- if replaces == "days" %}
    set replaced_dates = (select array_agg(distinct event_date) from {{ tmp_relation }});
    {%- endif %}

    begin transaction;

    delete from {{ target_relation }} as replaced
    where {% if replaces == "days" %}event_date in unnest(replaced_dates) and {% endif %}
        {{ replaced_rows(replaces, model.config.meta.get("replaces_by"), tmp_relation, columns) }};

    insert into {{ target_relation }} ({{ columns }})
    select {{ columns }}
    from {{ tmp_relation }};

    commit transaction;

    drop table if exists {{ tmp_relation }};
{% endmacro %}
