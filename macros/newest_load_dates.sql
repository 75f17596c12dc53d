{#- The dates that the last load read, as a SQL list of constants, so that BigQuery prunes partitions. -#}
{% macro newest_load_dates() %}
    {%- set export_days = ref("stg_ga4__export_days") -%}
    {%- set query -%}
        select distinct cast(event_date as {{ dbt.type_string() }}) as event_date
        from {{ export_days }}
        where loaded_at = (select max(loaded_at) from {{ export_days }})
        order by 1
    {%- endset -%}
    {%- set dates = [] -%}
    {%- if execute and load_relation(export_days) is not none -%}
        {%- for row in run_query(query).rows -%}
            {%- do dates.append("date '" ~ row["event_date"] ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(dates | join(", ") if dates else "date '0001-01-01'") -}}
{% endmacro %}
