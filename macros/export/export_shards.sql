{#- What the export holds: a list of {property_id, event_date, source_table_kind, source_version, path},
    one per property and date, the best kind that has rows (daily, then fresh, then intraday).
    `source_version` changes whenever any of the date's tables does. This is the one place where the
    export is looked at while compiling. -#}
{% macro export_shards() %}
    {{- return(adapter.dispatch("export_shards", "micro_conversions")()) -}}
{% endmacro %}

{% macro duckdb__export_shards() %}
    {%- if not execute -%}{{- return([]) -}}{%- endif -%}
    {%- set pattern = env_var("GA4_EXPORT_FILES", "target/demo_export/events_*.parquet") | replace("'", "''") -%}
    {%- set found -%}
        with files as (
            select
                filename as path,
                coalesce(nullif(regexp_extract(filename, 'analytics_([0-9]+)', 1), ''), 'property') as property_id,
                regexp_extract(filename, 'events_(intraday_|fresh_)?[0-9]{8}\.parquet$', 1) as prefix,
                cast(try_strptime(regexp_extract(filename, '([0-9]{8})\.parquet$', 1), '%Y%m%d') as date) as event_date,
                cast(size as varchar) || '@' || cast(epoch_us(last_modified) as varchar) as version
            from read_blob('{{ pattern }}')
            where regexp_matches(filename, '(^|[/\\])events_(intraday_|fresh_)?[0-9]{8}\.parquet$')
        )

        select
            property_id,
            cast(event_date as varchar) as event_date,
            case prefix when '' then 'daily' when 'fresh_' then 'fresh' else 'intraday' end as source_table_kind,
            path,
            string_agg(prefix || version, ',') over (
                partition by property_id, event_date
                order by prefix, path rows between unbounded preceding and unbounded following
            ) || '{{ reading_version() }}' as source_version
        from files
        where event_date is not null
            {%- if var("export_start_date") %} and event_date >= date '{{ var("export_start_date") }}'{% endif %}
            {%- if var("export_end_date") %} and event_date <= date '{{ var("export_end_date") }}'{% endif %}
        order by property_id, event_date, length(prefix), path
    {%- endset -%}
    {%- set rows = run_query(found).rows -%}
    {%- if rows | length == 0 -%}
        {{- exceptions.raise_compiler_error(
            "No GA4 export files match GA4_EXPORT_FILES = '" ~ pattern ~ "'. Point it at daily files named "
            ~ "events_YYYYMMDD.parquet, or run `make demo` to generate an export."
        ) -}}
    {%- endif -%}
    {{- return(rows) -}}
{% endmacro %}

{#- The `path` of a BigQuery shard is its table suffix. -#}
{% macro default__export_shards() %}
    {%- if not execute -%}{{- return([]) -}}{%- endif -%}
    {%- set found -%}
        with tables as (
            select
                substr(table_id, 8) as path,
                case
                    when starts_with(table_id, 'events_intraday_') then 'intraday'
                    when starts_with(table_id, 'events_fresh_') then 'fresh'
                    else 'daily'
                end as source_table_kind,
                safe.parse_date('%Y%m%d', substr(table_id, -8)) as event_date,
                row_count,
                cast(size_bytes as string) || '@' || cast(last_modified_time as string) as version
            from {{ export_dataset() }}.__TABLES__
            where regexp_contains(table_id, r'^events_(intraday_|fresh_)?[0-9]{8}$')
        ),

        versions as (
            select
                event_date,
                string_agg(source_table_kind || version, ',' order by source_table_kind) as source_version
            from tables
            group by event_date
        )

        select
            '{{ export_property_id() }}' as property_id,
            cast(tables.event_date as string) as event_date,
            tables.source_table_kind,
            tables.path,
            tables.row_count,
            versions.source_version || '{{ reading_version() }}' as source_version
        from tables
        inner join versions on tables.event_date = versions.event_date
        where tables.event_date is not null
            {%- if var("export_start_date") %} and tables.event_date >= date '{{ var("export_start_date") }}'{% endif %}
            {%- if var("export_end_date") %} and tables.event_date <= date '{{ var("export_end_date") }}'{% endif %}
        order by tables.event_date, length(tables.path), tables.path
    {%- endset -%}
    {{- return(run_query(found).rows) -}}
{% endmacro %}

{#- The dataset of the export, quoted. -#}
{% macro export_dataset() -%}
    `{{ var("ga4_project") or target.database }}`.`{{ var("ga4_dataset") or "analytics" }}`
{%- endmacro %}

{#- The property id in the dataset's name (analytics_<id>). -#}
{% macro export_property_id() -%}
    {%- set parts = (var("ga4_dataset") or "").split("analytics_") -%}
    {{ parts[-1] if parts | length > 1 else "property" }}
{%- endmacro %}

{#- The vars that act while raw rows are read, as a suffix of `source_version`: whoever changes one has all
    days read again, instead of old and new hashes side by side. -#}
{% macro reading_version() -%}
    {%- set allowed = var("allowed_query_parameters") | sort | join(",") -%}
    #{{ local_md5(var("user_id_salt") ~ "|" ~ allowed)[:8] }}
{%- endmacro %}
