{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["event_name"]),
    )
}}

{%- set dates = open_dates() %}
{%- set dimensions = ["browser", "app_version", "stream_id"] %}
{#- What an event carries outside its parameters. -#}
{%- set fields = {
    "transaction_id": "transaction_id is not null",
    "ecommerce.transaction_id": "has_ecommerce_transaction_id",
    "revenue": "revenue_usd > 0",
    "items": "array_length(items) > 0",
    "session_id": "session_id is not null",
    "user_id": "user_id_hash is not null",
} %}
{%- set flags = {
    "is_key_event": "coalesce(is_key_event, false)",
    "is_session_engaged": "is_session_engaged",
    "has_analytics_consent": "has_analytics_consent",
} %}
{%- set value = "parameter.value" %}
{%- set word = "lower(trim(" ~ value ~ ".string_value))" %}

with events as {{ not_materialized() }} (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

described_events as (

    select
        event_date,
        event_name,
        {%- for dimension in dimensions %}
        coalesce({{ dimension }}, '(none)') as {{ dimension }},
        {%- endfor %}
        count(*) as event_count
        {%- for name, condition in fields.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ name | replace(".", "_") }}_count
        {%- endfor %}
        {%- for name, condition in flags.items() %},
        sum(case when {{ condition }} then 1 else 0 end) as {{ name }}_true_count,
        sum(case when {{ condition }} then 0 when {{ condition }} is not null then 1 else 0 end)
            as {{ name }}_false_count
        {%- endfor %}
    from events
    group by
        event_date,
        event_name,
        {%- for dimension in dimensions %}
        coalesce({{ dimension }}, '(none)'){{ "," if not loop.last }}
        {%- endfor %}

),

parameters as (

    {{ rows_of_array("events", ["event_date", "event_name"], "event_params", "parameter") }}

),

said_parameters as (

    -- Few values are short; only those may be a yes, a no or no value at all.
    select
        event_date,
        event_name,
        parameter.key as part_value,
        case
            when {{ value }}.int_value is not null
                then case {{ value }}.int_value when 1 then 'true' when 0 then 'false' else 'filled' end
            when {{ value }}.float_value is not null or {{ value }}.double_value is not null then 'filled'
            when {{ value }}.string_value is null then 'empty'
            when length({{ value }}.string_value) > 9 then 'filled'
            when {{ word }} in ('1', 'true', 'yes') then 'true'
            when {{ word }} in ('0', 'false', 'no') then 'false'
            -- Two short lists: a longer one is a join in DuckDB, which every parameter goes through.
            when {{ word }} in ('', '(not set)', 'null') then 'empty'
            when {{ word }} in ('undefined', 'nan') then 'empty'
            else 'filled'
        end as said
    from parameters
    where parameter.key is not null

),

parameter_counts as (

    select
        event_date,
        event_name,
        'parameter' as part,
        part_value,
        sum(case when said <> 'empty' then 1 else 0 end) as event_count,
        sum(case when said = 'true' then 1 else 0 end) as true_count,
        sum(case when said = 'false' then 1 else 0 end) as false_count
    from said_parameters
    group by event_date, event_name, part_value

),

parts as (

    {%- for part in ["event"] + dimensions %}
    select
        event_date,
        event_name,
        '{{ part }}' as part,
        {{ "''" if part == "event" else part }} as part_value,
        event_count,
        0 as true_count,
        0 as false_count
    from described_events

    union all
    {% endfor %}
    {%- for name in fields %}
    select
        event_date,
        event_name,
        'field' as part,
        '{{ name }}' as part_value,
        {{ name | replace(".", "_") }}_count as event_count,
        0 as true_count,
        0 as false_count
    from described_events

    union all
    {% endfor %}
    {%- for name in flags %}
    select
        event_date,
        event_name,
        'field' as part,
        '{{ name }}' as part_value,
        {{ name }}_true_count + {{ name }}_false_count as event_count,
        {{ name }}_true_count as true_count,
        {{ name }}_false_count as false_count
    from described_events

    union all
    {% endfor %}
    select * from parameter_counts

),

int_tracking_counted as (

    select
        event_date,
        event_name,
        part,
        part_value,
        cast(sum(event_count) as int64) as event_count,
        cast(sum(true_count) as int64) as true_count,
        cast(sum(false_count) as int64) as false_count
    from parts
    group by event_date, event_name, part, part_value

)

select * from int_tracking_counted
