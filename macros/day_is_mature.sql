{#- Whether the outcome of every entry of a day is known: the window of one in the day's last moment has ended.
    `outcome_micros` and `as_of_timestamp` are those of dim_funnel_steps and int_export_as_of. -#}
{% macro day_is_mature(entry_date, outcome_micros, as_of_timestamp) -%}
    {{ local_midnight_micros(add_days(entry_date, 1)) }} + {{ outcome_micros }} <= {{ as_of_timestamp }}
{%- endmacro %}
