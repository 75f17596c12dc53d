{#- The dates that the last load read, as a SQL list of constants. -#}
{% macro newest_load_dates() %}
    {%- set export_days = ref("stg_ga4__export_days") -%}
    {%- set query -%}
        select distinct cast(event_date as {{ dbt.type_string() }}) as event_date
        from {{ export_days }}
        where loaded_at = (select max(loaded_at) from {{ export_days }})
        order by 1
    {%- endset -%}
    {{- return(date_constants(query)) -}}
{% endmacro %}
