{#- The raw rows of some shards: the columns of ga4_export_columns(), typed, plus property_id, shard_date,
    source_table_kind and source_version of the table each row came from. -#}
{% macro export_events(source_relation, shards) %}
    {{- return(adapter.dispatch("export_events", "micro_conversions")(source_relation, shards)) -}}
{% endmacro %}

{% macro duckdb__export_events(source_relation, shards) %}
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

{#- The shards as rows of a table: path, property_id, shard_date, source_table_kind, source_version. -#}
{% macro shard_rows(shards) %}
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
