{#- Why a raw row cannot be an event, NULL for the great majority that can. Backdated hits may be three days
    old and time zones shift by a day, so a week on either side is plausible. -#}
{% macro rejection_reason() -%}
    {%- set week_micros = 7 * 86400 * 1000000 -%}
    {%- set day_start = micros_of_timestamp("cast(event_date as timestamp)") -%}
    case
        when event_name is null then 'event_name_missing'
        when raw_event_date is null then 'event_date_missing'
        when written_date is null then 'event_date_unreadable'
        when written_date <> event_date then 'event_date_of_another_day'
        when event_timestamp is null then 'event_timestamp_missing'
        when event_timestamp not between {{ day_start }} - {{ week_micros }} and {{ day_start }} + {{ week_micros }}
            then 'event_timestamp_implausible'
    end
{%- endmacro %}

{#- A rejected row for whoever has to find its cause: without parameter values, which may be personal. -#}
{% macro rejected_row_text() -%}
    {{ to_json_text(struct_of([
        "raw_event_date", "event_timestamp", "event_name", "user_pseudo_id", "stream_id", "platform",
        "source_table_kind"
    ])) }}
{%- endmacro %}
