{#- The shards this run reads: all of them when the reader is built anew, else those of a date that is not
    yet processed, that changed since, that lies in the late-arrival window, or that a backfill names (vars
    reread_start_date and reread_end_date). One shard per property
    and date, with its rows counted from the footers, so that an empty daily table never hides an
    intraday one and never replaces loaded rows. -#}
{% macro shards_to_read(everything) %}
    {%- set shards = export_shards() -%}
    {%- if not execute or shards | length == 0 -%}{{- return([]) -}}{%- endif -%}
    {%- set processed = {} if everything else processed_days() -%}
    {%- set window_start = late_window_start(processed) -%}
    {%- set candidates = [] -%}
    {%- for shard in shards -%}
        {%- set key = shard["property_id"] ~ "/" ~ shard["event_date"] -%}
        {%- if processed.get(key) != shard["source_version"] or shard["event_date"] >= window_start
            or (var("reread_start_date") and var("reread_start_date") <= shard["event_date"] <= var("reread_end_date")) -%}
            {%- do candidates.append(shard) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if candidates | length == 0 -%}{{- return([]) -}}{%- endif -%}
    {{- return(best_shards(candidates)) -}}
{% endmacro %}

{#- Of some shards the one per property and date that a build reads: the best kind that has rows. -#}
{% macro best_shards(candidates) %}
    {%- set row_counts = shard_row_counts(candidates) -%}
    {%- set chosen = {} -%}
    {%- for shard in candidates -%}
        {%- set key = shard["property_id"] ~ "/" ~ shard["event_date"] -%}
        {%- if row_counts.get(shard_name(shard), 0) > 0 and key not in chosen -%}
            {%- do chosen.update({key: shard}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(chosen.values() | list) -}}
{% endmacro %}

{#- Stops at a file without the columns that make an event, or without a single usable timestamp: its day
    would be replaced by nothing, or by rejected rows alone. -#}
{% macro refuse_other_tables(shards) %}
    {%- set query -%}
        select
            file_name,
            count(distinct name) filter (where name in ('event_date', 'event_timestamp', 'event_name')) as found,
            bool_or(name = 'event_timestamp' and type not in ('INT64', 'INT32')) as has_odd_timestamp
        from parquet_schema({{ path_list(shards) }})
        group by file_name
        having found < 3 or has_odd_timestamp
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
        {%- if row["found"] < 3 -%}
            {{- refuse_table(row["file_name"], "it has no event_date, event_timestamp or event_name") -}}
        {%- endif -%}
        {%- set usable = run_query(
            "select count(try_cast(event_timestamp as bigint)) as usable_count from read_parquet("
            ~ path_list([{"path": row["file_name"]}]) ~ ")"
        ).rows[0]["usable_count"] -%}
        {%- if usable == 0 -%}
            {{- refuse_table(row["file_name"], "no event_timestamp in it is a whole number") -}}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{% macro refuse_table(path, reason) %}
    {{- exceptions.raise_compiler_error(
        path ~ " is no day of a GA4 export: " ~ reason ~ ". No table was changed. Export that day again or move "
        ~ "the file away."
    ) -}}
{% endmacro %}

{#- One shard's name among those of all properties. -#}
{% macro shard_name(shard) %}
    {{- return(shard["property_id"] ~ "/" ~ shard["path"]) -}}
{% endmacro %}

{#- Rows per shard: a mapping of its name to a count. -#}
{% macro shard_row_counts(shards) %}
    {{- return(adapter.dispatch("shard_row_counts", "micro_conversions")(shards)) -}}
{% endmacro %}

{#- BigQuery lists the count with the table. -#}
{% macro default__shard_row_counts(shards) %}
    {%- set counts = {} -%}
    {%- for shard in shards -%}
        {%- do counts.update({shard_name(shard): shard["row_count"]}) -%}
    {%- endfor -%}
    {{- return(counts) -}}
{% endmacro %}

{#- The footers of the files say it. -#}
{% macro duckdb__shard_row_counts(shards) %}
    {%- do refuse_other_tables(shards) -%}
    {%- set counts = {} -%}
    {%- set query -%}
        select file_name, num_rows from parquet_file_metadata({{ path_list(shards) }})
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
        {%- do counts.update({row["file_name"]: row["num_rows"]}) -%}
    {%- endfor -%}
    {%- for shard in shards if shard["path"] in counts -%}
        {%- do counts.update({shard_name(shard): counts[shard["path"]]}) -%}
    {%- endfor -%}
    {{- return(counts) -}}
{% endmacro %}

{#- The paths of shards as a SQL list. -#}
{% macro path_list(shards) %}
    {%- set paths = [] -%}
    {%- for shard in shards -%}
        {%- do paths.append("'" ~ shard["path"] | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{- return("[" ~ paths | join(", ") ~ "]") -}}
{% endmacro %}
