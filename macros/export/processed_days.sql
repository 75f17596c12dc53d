{#- What earlier runs carried through every fact: a mapping of "property/date" to the version of its tables.
    The table is named, not ref'ed: it is written last in a run, so a reference would be a cycle. -#}
{% macro processed_days() %}
    {%- set processed = {} -%}
    {%- set state = processed_days_relation() -%}
    {%- if state is none -%}{{- return(processed) -}}{%- endif -%}
    {%- set query -%}
        select
            property_id,
            cast(event_date as {{ dbt.type_string() }}) as event_date,
            source_version
        from {{ state }}
    {%- endset -%}
    {%- for row in run_query(query).rows -%}
        {%- do processed.update({row["property_id"] ~ "/" ~ row["event_date"]: row["source_version"]}) -%}
    {%- endfor -%}
    {{- return(processed) -}}
{% endmacro %}

{#- The state table, or none before the first complete run. -#}
{% macro processed_days_relation() %}
    {{- return(earlier_relation("int_export_days_processed")) -}}
{% endmacro %}

{#- The table of a model as an earlier run left it, or none; for models that come later in the run, which a
    reference would make a cycle. -#}
{% macro earlier_relation(model_name) %}
    {%- if not execute -%}{{- return(none) -}}{%- endif -%}
    {%- set node = graph.nodes.values() | selectattr("name", "equalto", model_name) | first -%}
    {{- return(adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias)) -}}
{% endmacro %}

{#- The first date of the late-arrival window, as text: it is anchored in the newest processed day. -#}
{% macro late_window_start(processed) %}
    {%- set newest = namespace(day="0001-01-05") -%}
    {%- for key in processed -%}
        {%- set day = key.split("/")[-1] -%}
        {%- if day > newest.day -%}{%- set newest.day = day -%}{%- endif -%}
    {%- endfor -%}
    {%- set newest_day = modules.datetime.date.fromisoformat(newest.day) -%}
    {%- set days_back = modules.datetime.timedelta(days=[var("late_arrival_days") | int - 1, 0] | max) -%}
    {%- if processed | length == 0 or var("late_arrival_days") | int == 0 -%}{{- return("9999-12-31") -}}{%- endif -%}
    {{- return((newest_day - days_back).isoformat()) -}}
{% endmacro %}
