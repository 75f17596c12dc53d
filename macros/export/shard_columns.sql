{#- One row per shard read: how many of the fields that staging reads it lacks or holds in another type,
    and which. From the footers of the files alone. -#}
{% macro shard_columns(shards) %}
    {{- return(adapter.dispatch("shard_columns", "micro_conversions")(shards)) -}}
{% endmacro %}

{#- A BigQuery wildcard table has the schema of its newest table, so that all of a property and kind lack the same. -#}
{% macro default__shard_columns(shards) %}
    {%- set kinds = export_kinds(shards) %}
    select
        shards.property_id,
        shards.shard_date as event_date,
        missing.missing_column_count,
        missing.missing_columns
    from {{ shard_rows(shards) }} as shards
    inner join unnest([
        {%- for kind in kinds %}
        {%- set missing = missing_fields(kind["fields"], {
            "string": ["STRING"], "int64": ["INT64"], "float64": ["FLOAT64"]
        }) %}
        struct(
            '{{ kind["property"]["property_id"] }}' as property_id,
            '{{ kind["shards"][0]["source_table_kind"] }}' as source_table_kind,
            {{ missing | length }} as missing_column_count,
            '{{ missing | join(", ") }}' as missing_columns
        ){{ "," if not loop.last }}
        {%- else %}
        struct('' as property_id, '' as source_table_kind, 0 as missing_column_count, '' as missing_columns)
        {%- endfor %}
    ]) as missing
        on shards.property_id = missing.property_id
        and shards.source_table_kind = missing.source_table_kind
{% endmacro %}

{% macro duckdb__shard_columns(shards) %}
    {%- set drift = shard_drift(shards) if shards and execute else {} %}
    select
        cast(property_id as varchar) as property_id,
        cast(event_date as date) as event_date,
        cast(missing_column_count as int64) as missing_column_count,
        cast(missing_columns as varchar) as missing_columns
    from (
        values
        {%- for shard in shards %}
        {%- set missing = drift.get(shard["path"], []) %}
        (
            '{{ shard["property_id"] }}', '{{ shard["event_date"] }}', {{ missing | length }},
            '{{ missing | join(", ") | replace("'", "''") }}'
        ){{ "," if not loop.last }}
        {%- else %}
        (null, null, null, null)
        {%- endfor %}
    ) as listed (property_id, event_date, missing_column_count, missing_columns)
{% endmacro %}

{#- A mapping of path to the list of missing or retyped fields. Files share few distinct schemas, so each
    is walked once. -#}
{% macro shard_drift(shards) %}
    {%- set query -%}
        with fields as (
            select
                file_name,
                string_agg(
                    name || ':' || coalesce(num_children, 0) || ':' || coalesce(duckdb_type, ''),
                    ';' order by column_id
                ) as signature
            from parquet_schema({{ path_list(shards) }})
            group by file_name
        )

        select signature, string_agg(file_name, chr(10)) as paths
        from fields
        group by signature
    {%- endset -%}
    {%- set drift = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- set missing = missing_fields(parquet_paths(row["signature"]), {
            "string": ["VARCHAR"], "int64": ["BIGINT", "INTEGER", "HUGEINT"], "float64": ["DOUBLE", "FLOAT"]
        }) -%}
        {%- for path in row["paths"].split("\n") -%}
            {%- do drift.update({path: missing}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(drift) -}}
{% endmacro %}

{#- A Parquet schema's leaves as a mapping of dotted path to DuckDB type; list levels have no name. -#}
{% macro parquet_paths(signature) %}
    {%- set paths = {} -%}
    {%- set stack = [] -%}
    {%- for field in signature.split(";")[1:] -%}
        {%- set parts = field.rsplit(":", 2) -%}
        {%- set children = parts[1] | int -%}
        {%- set names = [] -%}
        {%- for level in stack if level[0] -%}{%- do names.append(level[0]) -%}{%- endfor -%}
        {%- if children == 0 -%}
            {%- do paths.update({(names + [parts[0]]) | join("."): parts[2]}) -%}
        {%- endif -%}
        {%- if stack -%}{%- do stack.append([stack[-1][0], stack.pop()[1] - 1]) -%}{%- endif -%}
        {%- if children > 0 -%}
            {%- set is_list_level = parts[0] in ("list", "element", "bag", "array_element", "item", "array") -%}
            {%- do stack.append(["" if is_list_level else parts[0], children]) -%}
        {%- endif -%}
        {%- for level in range(stack | length) -%}
            {%- if stack and stack[-1][1] == 0 -%}{%- do stack.pop() -%}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(paths) -}}
{% endmacro %}

{#- The fields staging reads that are not among some paths, or are there in a type that does not fit.
    `fitting_types` names the warehouse's types for each canonical one. -#}
{% macro missing_fields(paths, fitting_types) %}
    {%- set missing = [] -%}
    {%- for path, type in export_column_paths().items() -%}
        {%- if path not in paths -%}
            {%- do missing.append(path) -%}
        {%- elif paths[path] not in fitting_types[type] -%}
            {%- do missing.append(path ~ " (" ~ paths[path] ~ ")") -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(missing) -}}
{% endmacro %}
