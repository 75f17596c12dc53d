{#- The dates that this run decides anew, as a SQL list of constants: days whose tables changed since every
    fact had them, days in the late-arrival window, days of a backfill, and all days when a definition (catalog,
    rules, channel groups) changed. -#}
{% macro open_dates() %}
    {{- return(date_constants(open_dates_query())) -}}
{% endmacro %}

{% macro open_dates_query() %}
    {%- set loaded = ref("stg_ga4__export_days") -%}
    {%- set definitions = definitions_version() -%}
    {%- set state = processed_days_relation() -%}
    select distinct cast(loaded.event_date as {{ dbt.type_string() }}) as event_date
    from {{ loaded }} as loaded
    {%- if state is not none %}
    cross join ({{ definitions }}) as definitions
    cross join (select max(event_date) as newest_date from {{ state }}) as newest
    left join {{ state }} as processed
        on loaded.property_id = processed.property_id
        and loaded.event_date = processed.event_date
        and loaded.source_version = processed.source_version
        and definitions.definitions_version = processed.definitions_version
    where processed.event_date is null
        or loaded.event_date > {{ add_days("newest.newest_date", -(var("late_arrival_days") | int)) }}
        {%- if var("reread_start_date") %}
        or loaded.event_date between date '{{ var("reread_start_date") }}' and date '{{ var("reread_end_date") }}'
        {%- endif %}
    {%- endif %}
    order by 1
{% endmacro %}
