{#- What staging says it read, against the row counts that the files state in their footers. A file that changed
    since it was read is left to the next run. -#}
{%- set shards = export_shards() -%}
{%- set file_rows = shard_row_counts(shards) if execute and shards else {} -%}
with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

files as (

    select
        cast(null as {{ dbt.type_string() }}) as property_id,
        cast(null as date) as event_date,
        cast(null as {{ dbt.type_string() }}) as source_table_kind,
        cast(null as {{ dbt.type_string() }}) as source_version,
        cast(null as int64) as file_row_count
    {%- for shard in shards %}

    union all

    select
        '{{ shard["property_id"] }}' as property_id,
        date '{{ shard["event_date"] }}' as event_date,
        '{{ shard["source_table_kind"] }}' as source_table_kind,
        '{{ shard["source_version"] }}' as source_version,
        {{ file_rows.get(shard_name(shard), 0) }} as file_row_count
    {%- endfor %}

),

read_days as (

    select
        export_days.property_id,
        export_days.event_date,
        export_days.raw_row_count,
        sum(files.file_row_count) as file_row_count
    from export_days
    inner join files
        on export_days.property_id = files.property_id
        and export_days.event_date = files.event_date
        and export_days.source_table_kind = files.source_table_kind
        and export_days.source_version = files.source_version
    group by export_days.property_id, export_days.event_date, export_days.raw_row_count

)

select *
from read_days
where raw_row_count <> file_row_count
