{#- The raw rows of some shards: `columns`, typed, which are those of ga4_export_columns() unless fewer are named
    in its form, plus property_id, shard_date, source_table_kind and source_version of the table each row came from. -#}
{% macro export_events(shards, columns=none) %}
    {%- set columns = columns or ga4_export_columns() -%}
    {{- return(adapter.dispatch("export_events", "micro_conversions")(shards, columns)) -}}
{% endmacro %}

{% macro duckdb__export_events(shards, columns) %}
    (
        select
            {%- for name, node in columns.items() %}
            {#- Costs nothing where the type is right; a struct as a whole would be read in full. #}
            {%- if node is mapping and name != "ecommerce" %}
            export.{{ name }},
            {%- else %}
            try_cast(export.{{ name }} as {{ duckdb_type_of(node) }}) as {{ name }},
            {%- endif %}
            {%- endfor %}
            shards.property_id,
            shards.shard_date,
            shards.source_table_kind,
            shards.source_version
        from (
            select
                {%- for name, node in columns.items() %}
                cast(null as {{ duckdb_type_of(node) }}) as {{ name }},
                {%- endfor %}
                cast(null as varchar) as microconv_export_file
            where false
            {%- if shards %}
            union all by name
            select *
            from read_parquet({{ path_list(shards) }}, union_by_name = true, filename = 'microconv_export_file')
            {%- endif %}
        ) as export
        inner join {{ shard_rows(shards) }} as shards on export.microconv_export_file = shards.path
    )
{% endmacro %}

{#- One SELECT per property and kind of table, each on a wildcard of its own and by constant suffixes: a wildcard table
    has the schema of its newest table, and were that an intraday one, the columns that it lacks would be lost for
    all. Only kinds with a shard to read are named, since BigQuery refuses a wildcard that matches no table. -#}
{% macro default__export_events(shards, columns) %}
    {%- set kinds = export_kinds(shards) %}
    (
        {%- for kind in kinds %}
        select
            {%- for name, node in columns.items() %}
            {{ export_value("export." ~ name, name, node, kind["fields"]) }} as {{ name }},
            {%- endfor %}
            shards.property_id,
            shards.shard_date,
            shards.source_table_kind,
            shards.source_version
        from {{ export_dataset(kind["property"]) }}.`events_{{ kind["prefix"] }}*` as export
        inner join {{ shard_rows(kind["shards"]) }} as shards
            on '{{ kind["prefix"] }}' || export._table_suffix = shards.path
        where export._table_suffix in (
            {%- for shard in kind["shards"] -%}
                '{{ shard["path"][kind["prefix"] | length:] }}'{{ ", " if not loop.last }}
            {%- endfor -%}
        )
        {{ "union all" if not loop.last }}
        {%- else %}
        select
            {%- for name, node in columns.items() %}
            {{ export_value("export." ~ name, name, node, {}) }} as {{ name }},
            {%- endfor %}
            shards.property_id,
            shards.shard_date,
            shards.source_table_kind,
            shards.source_version
        from {{ shard_rows([]) }} as shards
        {%- endfor %}
    )
{% endmacro %}

{#- The kinds of a property's tables that some shards are of: a list of {property, prefix, fields, shards}. -#}
{% macro export_kinds(shards) %}
    {%- set kinds = [] -%}
    {%- set fields = export_fields() if shards else {} -%}
    {%- for property in export_properties() -%}
        {%- for kind, prefix in export_prefixes().items() -%}
            {%- set own_shards = shards | selectattr("property_id", "equalto", property["property_id"])
                | selectattr("source_table_kind", "equalto", kind) | list -%}
            {%- if own_shards -%}
                {%- do kinds.append({
                    "property": property, "prefix": prefix, "shards": own_shards,
                    "fields": fields.get(property["property_id"] ~ "/" ~ kind, {})
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(kinds) -}}
{% endmacro %}

{#- How the names of a kind's tables go on after `events_`; those of daily tables with the millennium. -#}
{% macro export_prefixes() %}
    {{- return({"daily": "2", "fresh": "fresh_", "intraday": "intraday_"}) -}}
{% endmacro %}

{#- A field of the wildcard table in its canonical type: cast, or a typed NULL where no shard has it. -#}
{% macro export_value(expression, path, node, fields) -%}
    {%- if node is string -%}
        {%- if path in fields -%}
            safe_cast({{ expression }} as {{ node }})
        {%- else -%}
            cast(null as {{ node }})
        {%- endif -%}
    {%- elif node is mapping -%}
        struct({{ export_fields_of(expression, path, node, fields) }})
    {%- elif path in fields -%}
        array(
            select as struct {{ export_fields_of("element", path, node[0], fields) }}
            from unnest({{ expression }}) as element with offset as position
            order by position
        )
    {%- else -%}
        array(select as struct {{ export_fields_of("element", path, node[0], []) }} from (select 1 as one) where false)
    {%- endif -%}
{%- endmacro %}

{% macro export_fields_of(expression, path, node, fields) -%}
    {%- for name in node -%}
        {{ export_value(expression ~ "." ~ name, path ~ "." ~ name, node[name], fields) }} as {{ name }}
        {{- ", " if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{#- What the newest table of each property and kind has: a mapping of "property/kind" to one of dotted path to type. -#}
{% macro export_fields() %}
    {%- set found = {} -%}
    {%- set query -%}
        {%- for property in export_properties() %}
        select
            '{{ property["property_id"] }}' as property_id,
            newest.source_table_kind,
            paths.field_path,
            paths.data_type
        from {{ export_dataset(property) }}.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS as paths
        inner join (
            select
                table_name,
                {{ table_kind("table_name") }} as source_table_kind
            from {{ export_dataset(property) }}.INFORMATION_SCHEMA.TABLES
            where regexp_contains(table_name, r'^events_(intraday_|fresh_)?[0-9]{8}$')
            qualify row_number() over (
                partition by {{ table_kind("table_name") }}
                order by creation_time desc, table_name desc
            ) = 1
        ) as newest on paths.table_name = newest.table_name
        {{ "union all" if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- if execute -%}
        {%- for row in run_query(query).rows -%}
            {%- set kind = row["property_id"] ~ "/" ~ row["source_table_kind"] -%}
            {%- do found.setdefault(kind, {}).update({row["field_path"]: row["data_type"]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}

{#- The kind of table that a name stands for. -#}
{% macro table_kind(name) -%}
    case
        when starts_with({{ name }}, 'events_intraday_') then 'intraday'
        when starts_with({{ name }}, 'events_fresh_') then 'fresh'
        else 'daily'
    end
{%- endmacro %}

{#- The shards as rows of a table: path, property_id, shard_date, source_table_kind, source_version. -#}
{% macro shard_rows(shards) %}
    {{- return(adapter.dispatch("shard_rows", "micro_conversions")(shards)) -}}
{% endmacro %}

{% macro default__shard_rows(shards) %}
    unnest(
        cast(
            [
                {%- for shard in shards %}
                struct(
                    '{{ shard["path"] }}' as path,
                    '{{ shard["property_id"] }}' as property_id,
                    date '{{ shard["event_date"] }}' as shard_date,
                    '{{ shard["source_table_kind"] }}' as source_table_kind,
                    '{{ shard["source_version"] }}' as source_version
                ){{ "," if not loop.last }}
                {%- endfor %}
            ] as array<struct<
                path string, property_id string, shard_date date, source_table_kind string, source_version string
            >>
        )
    )
{% endmacro %}

{% macro duckdb__shard_rows(shards) %}
    (
        select
            cast(path as varchar) as path,
            cast(property_id as varchar) as property_id,
            cast(shard_date as date) as shard_date,
            cast(source_table_kind as varchar) as source_table_kind,
            cast(source_version as varchar) as source_version
        from (
            values
            {%- for shard in shards %}
            (
                '{{ shard["path"] | replace("'", "''") }}', '{{ shard["property_id"] }}',
                '{{ shard["event_date"] }}', '{{ shard["source_table_kind"] }}',
                '{{ shard["source_version"] }}'
            ){{ "," if not loop.last }}
            {%- else %}
            (null, null, null, null, null)
            {%- endfor %}
        ) as listed (path, property_id, shard_date, source_table_kind, source_version)
    )
{% endmacro %}
