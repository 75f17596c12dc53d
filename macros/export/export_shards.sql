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
            {%- for property in export_properties() %}
            select
                '{{ property["property_id"] }}' as property_id,
                substr(table_id, 8) as path,
                {{ table_kind("table_id") }} as source_table_kind,
                safe.parse_date('%Y%m%d', substr(table_id, -8)) as event_date,
                row_count,
                cast(size_bytes as string) || '@' || cast(last_modified_time as string) as version
            from {{ export_dataset(property) }}.__TABLES__
            where regexp_contains(table_id, r'^events_(intraday_|fresh_)?[0-9]{8}$')
            {{ "union all" if not loop.last }}
            {%- endfor %}
        ),

        versions as (
            select
                property_id,
                event_date,
                string_agg(source_table_kind || version, ',' order by source_table_kind) as source_version
            from tables
            group by property_id, event_date
        )

        select
            tables.property_id,
            cast(tables.event_date as string) as event_date,
            tables.source_table_kind,
            tables.path,
            tables.row_count,
            versions.source_version || '{{ reading_version() }}' as source_version
        from tables
        inner join versions
            on tables.property_id = versions.property_id
            and tables.event_date = versions.event_date
        where tables.event_date is not null
            {%- if var("export_start_date") %} and tables.event_date >= date '{{ var("export_start_date") }}'{% endif %}
            {%- if var("export_end_date") %} and tables.event_date <= date '{{ var("export_end_date") }}'{% endif %}
        order by tables.property_id, tables.event_date, length(tables.path), tables.path
    {%- endset -%}
    {{- return(run_query(found).rows) -}}
{% endmacro %}

{#- The properties to read on BigQuery: a list of {project, dataset, property_id}, from the var ga4_properties, else
    the one of ga4_project and ga4_dataset, or of ga4_dataset alone, written project.dataset. The id is the one in the dataset's name (analytics_<id>). -#}
{% macro export_properties() %}
    {%- set properties = [] -%}
    {%- for listed in var("ga4_properties") or [{}] -%}
        {%- set place = (listed.get("dataset") or var("ga4_dataset") or "analytics").split(".") -%}
        {%- set dataset = place[-1] -%}
        {%- set named = dataset.split("analytics_")[-1] if "analytics_" in dataset else "property" -%}
        {%- do properties.append({
            "project": listed.get("project") or (place[0] if place | length == 2 else none)
                or var("ga4_project") or target.database,
            "dataset": dataset,
            "property_id": (listed.get("property_id") or named) | string
        }) -%}
    {%- endfor -%}
    {%- set ids = properties | map(attribute="property_id") | list -%}
    {%- if ids | unique | list | length < ids | length -%}
        {{- exceptions.raise_compiler_error(
            "ga4_properties names a property twice: " ~ ids | join(", ") ~ ". Give each dataset its own property_id."
        ) -}}
    {%- endif -%}
    {{- return(properties) -}}
{% endmacro %}

{#- The dataset of a property's export, quoted. -#}
{% macro export_dataset(property) -%}
    `{{ property["project"] }}`.`{{ property["dataset"] }}`
{%- endmacro %}

{#- What acts while raw rows are read, as a suffix of `source_version`: whoever changes one of these vars, or upgrades to a
    version that reads rows otherwise, has all days read again, instead of old and new rows side by side. -#}
{% macro reading_version() -%}
    {%- set allowed = var("allowed_query_parameters") | sort | join(",") -%}
    #{{ local_md5(var("user_id_salt") ~ "|" ~ allowed ~ "|" ~ staging_version())[:8] }}
{%- endmacro %}

{#- Raised whenever the SQL that reads raw rows changes what a staged row says; tests/python/test_versions.py watches. -#}
{% macro staging_version() %}{{ return("4") }}{% endmacro %}
