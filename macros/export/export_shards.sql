{#- What the export holds: a list of {property_id, event_date, source_table_kind, source_version, path},
    one per property and date, the best kind that has rows (daily, then fresh, then intraday).
    `source_version` changes whenever any of the date's tables does. This is the one place where the
    export is looked at while compiling. -#}
{% macro export_shards(dates=none) %}
    {{- return(adapter.dispatch("export_shards", "micro_conversions")(dates)) -}}
{% endmacro %}

{% macro duckdb__export_shards(dates) %}
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
            ) as source_version
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

{#- Issued where no warehouse may be asked (compiling offline): the constant range of the vars. -#}
{% macro default__export_shards(dates) %}
    {{- return([]) -}}
{% endmacro %}
