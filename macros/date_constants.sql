{#- The column `event_date` of a query on the loaded days, as a SQL list of constants, so that BigQuery prunes
    partitions; before anything is loaded a date that no row has. -#}
{% macro date_constants(query) %}
    {%- set dates = [] -%}
    {%- if execute and load_relation(ref("stg_ga4__export_days")) is not none -%}
        {%- for row in run_query(query).rows -%}
            {%- do dates.append("date '" ~ row["event_date"] ~ "'") -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(dates | join(", ") if dates else "date '0001-01-01'") -}}
{% endmacro %}
