{#- The CTEs that end in `counted_rows`: every distinct raw row of some shards once, with `duplicate_count`, how many
    copies of it were dropped, and `copy_number` among different rows that share their identity columns. -#}
{% macro export_rows_counted(shards) %}
    {{- return(adapter.dispatch("export_rows_counted", "micro_conversions")(shards)) -}}
{% endmacro %}

{#- BigQuery bills what is read, so that the export is named once: all rows go through the windows. -#}
{% macro default__export_rows_counted(shards) -%}
    {%- set identity = identity_columns() | join(", ") -%}
export_rows as (

    select
        *,
        count(*) over (partition by {{ identity }}) as key_count
    from {{ export_events(shards) }}

),

compared_rows as (

    -- Rows that share a key may be copies of one event: their parameters and items decide.
    select
        *,
        case when key_count > 1 then {{ compared_params("export_rows") }} end as params_text,
        case when key_count > 1 then {{ items_text("export_rows.items") }} end as items_text
    from export_rows

),

distinct_rows as (

    {{ first_of_copies("compared_rows") }}

),

counted_rows as (

    select
        {{ export_column_list("distinct_rows") }},
        row_number() over (partition by {{ identity }} order by params_text, items_text) as copy_number,
        duplicate_count
    from distinct_rows

)
{%- endmacro %}

{#- Files cost nothing to read again, and sorting whole events does: a narrow pass finds the few keys that
    repeat, and all other rows stream past. -#}
{% macro duckdb__export_rows_counted(shards) -%}
repeated_keys as (

    -- Rows that share a key may be copies of one event; only they pay for comparing parameters and items.
    select {{ candidate_key("export") }} as candidate_key
    from {{ export_events(shards) }} as export
    group by 1
    having count(*) > 1

),

single_rows as (

    select
        {{ export_column_list("export") }},
        1 as copy_number,
        0 as duplicate_count
    from {{ export_events(shards) }} as export
    left join repeated_keys on {{ candidate_key("export") }} = repeated_keys.candidate_key
    where repeated_keys.candidate_key is null

),

repeated_rows as (

    select
        {{ export_column_list("export") }},
        {{ compared_params("export") }} as params_text,
        {{ items_text("export.items") }} as items_text
    from {{ export_events(shards) }} as export
    inner join repeated_keys on {{ candidate_key("export") }} = repeated_keys.candidate_key

),

distinct_rows as (

    {{ first_of_copies("repeated_rows") }}

),

numbered_rows as (

    -- Different events may still share the key, such as two lists seen in the same microsecond.
    select
        {{ export_column_list("distinct_rows") }},
        row_number() over (
            partition by {{ identity_columns() | join(", ") }}
            order by params_text, items_text
        ) as copy_number,
        duplicate_count
    from distinct_rows

),

counted_rows as (

    select * from single_rows
    union all
    select * from numbered_rows

)
{%- endmacro %}

{#- The identity columns of a raw row as one number. A collision changes the work done and never the rows. -#}
{% macro candidate_key(relation) -%}
    hash({{ relation }}.{{ identity_columns() | join(", " ~ relation ~ ".") }})
{%- endmacro %}

{#- What tells rows with one key apart beside their items. A refund may name its order outside its parameters. -#}
{% macro compared_params(relation) -%}
    coalesce({{ params_text(relation ~ ".event_params") }}, '') || '|'
    || coalesce({{ relation }}.ecommerce.transaction_id, '')
{%- endmacro %}

{#- One row of each set of copies, the same one whatever order they come in. -#}
{% macro first_of_copies(relation) -%}
    {%- set copies = identity_columns() | join(", ") ~ ", params_text, items_text" -%}
    select
        *,
        count(*) over (partition by {{ copies }}) - 1 as duplicate_count
    from {{ relation }}
    qualify row_number() over (
        partition by {{ copies }}
        order by
            event_bundle_sequence_id,
            event_server_timestamp_offset,
            {{ to_json_text(struct_of(ga4_export_columns() | list)) }}
    ) = 1
{%- endmacro %}
