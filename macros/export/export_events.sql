{#- The raw rows of some shards: the columns of ga4_export_columns(), typed, plus property_id, shard_date,
    source_table_kind and source_version of the table each row came from. -#}
{% macro export_events(shards) %}
    {{- return(adapter.dispatch("export_events", "micro_conversions")(shards)) -}}
{% endmacro %}

{% macro duckdb__export_events(shards) %}
    (
        select
            {%- for name, node in ga4_export_columns().items() %}
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
                {%- for name, node in ga4_export_columns().items() %}
                cast(null as {{ duckdb_type_of(node) }}) as {{ name }},
                {%- endfor %}
                cast(null as varchar) as filename
            where false
            {%- if shards %}
            union all by name
            select *
            from read_parquet({{ path_list(shards) }}, union_by_name = true, filename = true)
            {%- endif %}
        ) as export
        inner join {{ shard_rows(shards) }} as shards on export.filename = shards.path
    )
{% endmacro %}

{#- One SELECT per property, each on its own wildcard table and by constant suffixes. -#}
{% macro default__export_events(shards) %}
    {%- set fields_by_property = export_fields() %}
    (
        {%- for property in export_properties() %}
        {%- set fields = fields_by_property.get(property["property_id"], {}) %}
        {%- set own_shards = shards | selectattr("property_id", "equalto", property["property_id"]) | list %}
        select
            {%- for name, node in ga4_export_columns().items() %}
            {{ export_value("export." ~ name, name, node, fields) }} as {{ name }},
            {%- endfor %}
            shards.property_id,
            shards.shard_date,
            shards.source_table_kind,
            shards.source_version
        from {{ export_dataset(property) }}.`events_*` as export
        inner join {{ shard_rows(own_shards) }} as shards on export._table_suffix = shards.path
        where export._table_suffix in (
            {%- for shard in own_shards -%}
                '{{ shard["path"] }}'{{ ", " if not loop.last }}
            {%- else -%}
                'none'
            {%- endfor -%}
        )
        {{ "union all" if not loop.last }}
        {%- endfor %}
    )
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

{#- What the newest shard of each property has, as a mapping of property to one of dotted path to type: a
    wildcard table has the schema of its newest shard. Should that be an intraday one with fewer columns, the
    query fails by name rather than read NULL for all. -#}
{% macro export_fields() %}
    {%- set fields_by_property = {} -%}
    {%- set query -%}
        {%- for property in export_properties() %}
        select
            '{{ property["property_id"] }}' as property_id,
            field_path,
            data_type
        from {{ export_dataset(property) }}.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS
        where table_name = (
            select max(table_name)
            from {{ export_dataset(property) }}.INFORMATION_SCHEMA.TABLES
            where regexp_contains(table_name, r'^events_[0-9]{8}$')
        )
        {{ "union all" if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- if execute -%}
        {%- for row in run_query(query).rows -%}
            {%- do fields_by_property.setdefault(row["property_id"], {}).update({row["field_path"]: row["data_type"]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(fields_by_property) -}}
{% endmacro %}

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
