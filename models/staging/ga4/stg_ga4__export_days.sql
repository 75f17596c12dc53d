{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "days"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["property_id"]),
    )
}}

{%- set shards = shards_to_read(everything=not is_incremental()) %}
{%- set begun = "cast('" ~ run_started_at.strftime("%Y-%m-%d %H:%M:%S") ~ "' as timestamp)" %}

with rows_of_the_export as (

    select * from {{ ref("base_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in (
        {%- for shard in shards -%}
            date '{{ shard["event_date"] }}'{{ ", " if not loop.last }}
        {%- else -%}
            date '0001-01-01'
        {%- endfor -%}
    )
    {%- endif %}

),

shard_columns as (

    {{ shard_columns(shards) }}

),

day_counts as (

    select
        property_id,
        event_date,
        source_table_kind,
        source_version,
        cast(count(*) + sum(duplicate_count) as int64) as raw_row_count,
        cast(sum(case when rejection_reason is null then 1 else 0 end) as int64) as accepted_count,
        cast(sum(case when rejection_reason is not null then 1 else 0 end) as int64) as rejected_count,
        cast(sum(duplicate_count) as int64) as duplicate_count,
        cast(
            sum(case when rejection_reason is null and user_pseudo_id is null then 1 else 0 end) as int64
        ) as consentless_count,
        max(case when rejection_reason is null then event_timestamp end) as last_event_timestamp
    from rows_of_the_export
    group by property_id, event_date, source_table_kind, source_version

),

{% if is_incremental() -%}
earlier_loads as (

    select max(loaded_at) as loaded_at from {{ this }}

),

{% endif -%}
stg_ga4__export_days as (

    select
        day_counts.property_id,
        day_counts.event_date,
        day_counts.source_table_kind,
        day_counts.source_version,
        day_counts.raw_row_count,
        day_counts.accepted_count,
        day_counts.rejected_count,
        day_counts.duplicate_count,
        day_counts.consentless_count,
        coalesce(shard_columns.missing_column_count, 0) as missing_column_count,
        shard_columns.missing_columns,
        day_counts.source_table_kind = 'daily' as is_final,
        day_counts.last_event_timestamp,
        {% if is_incremental() -%}
        -- Later than any load before, also when the machine's clock was set back.
        greatest(
            {{ begun }},
            {{ timestamp_from_micros(
                "coalesce(" ~ micros_of_timestamp("earlier_loads.loaded_at") ~ ", 0) + 1000000"
            ) }}
        ) as loaded_at
        {%- else -%}
        {{ begun }} as loaded_at
        {%- endif %}
    from day_counts
    left join shard_columns
        on day_counts.property_id = shard_columns.property_id
        and day_counts.event_date = shard_columns.event_date
    {%- if is_incremental() %}
    cross join earlier_loads
    where shard_columns.property_id is not null -- not the other properties of these dates
    {%- endif %}

)

select * from stg_ga4__export_days
