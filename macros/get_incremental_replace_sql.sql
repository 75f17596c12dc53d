{#- Incremental strategy `replace`: the rows that this run decides anew are deleted and inserted in one
    transaction. Which those are is the model's meta `replaces`:
    - `days`: the property days among the new rows, so that a missing shard never empties a loaded day;
    - `open_dates`: the dates that are open in this run, also where nothing is left of them;
    - `changed_visitors`: the visitors with a hit on an open date, in the column meta `replaces_by`; where
      rows without a visitor have a conversion_date, also those of the open dates, and those with an order,
      which may repeat one of another day. -#}
{% macro get_incremental_replace_sql(arguments) %}
    {%- set target = arguments["target_relation"] -%}
    {%- set new_rows = arguments["temp_relation"] -%}
    {%- set columns = get_quoted_csv(arguments["dest_columns"] | map(attribute="name")) -%}
    delete from {{ target }} as replaced
    where {{ replaced_rows(model.config.meta["replaces"], model.config.meta.get("replaces_by"), new_rows, columns) }};

    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ new_rows }}
{% endmacro %}

{#- The condition that names the rows to replace. -#}
{% macro replaced_rows(replaces, replaces_by, new_rows, column_names) -%}
    {%- if replaces == "days" -%}
        exists (
            select 1
            from (select distinct property_id, event_date from {{ new_rows }}) as days
            where days.property_id = replaced.property_id
                and days.event_date = replaced.event_date
        )
    {%- elif replaces == "open_dates" -%}
        event_date in ({{ open_dates() }})
    {%- elif replaces == "changed_visitors" -%}
        {{ replaces_by }} in (select visitor_id from {{ ref("int_visitors_changed") }})
        {%- if replaces_by == "visitor_id" and "conversion_date" in column_names %}
        or (visitor_id is null and (transaction_id is not null or conversion_date in ({{ open_dates() }})))
        {%- endif %}
    {%- else -%}
        {{- exceptions.raise_compiler_error("meta.replaces of " ~ this ~ " is unknown: " ~ replaces) -}}
    {%- endif -%}
{%- endmacro %}
