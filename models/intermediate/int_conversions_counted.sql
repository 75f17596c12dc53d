{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "conversion_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name", "visitor_id"]),
    )
}}

{%- set dates = open_dates() %}
{%- set event_sequence = ["event_timestamp", "event_order", "conversion_event_id"] %}
-- depends_on: {{ ref("int_visitors_changed") }}

with matched as (

    select * from {{ ref("int_conversion_events_matched") }}

),

sessions as (

    select * from {{ ref("int_sessions_attributed") }}

),

devices as (

    select * from {{ ref("int_visitor_devices_identified") }}

),

session_days as (

    select
        session_id,
        event_date,
        sum(page_view_count) over (
            partition by session_id
            order by event_date
            rows between unbounded preceding and 1 preceding
        ) as pages_before_day
    from {{ ref("int_session_days") }}
    where session_id is not null

),

catalog as (

    select * from {{ ref("conversion_catalog") }}

),

visitor_conversions as (

    select
        matched.conversion_event_id,
        matched.conversion_name,
        catalog.conversion_type,
        catalog.counting,
        case
            when matched.user_pseudo_id is not null
                then coalesce(
                    sessions.visitor_id, matched.user_id_hash, devices.only_user_id_hash, matched.user_pseudo_id
                )
        end as visitor_id,
        matched.user_pseudo_id,
        matched.session_id,
        matched.event_id,
        matched.event_name,
        matched.property_id,
        matched.event_timestamp,
        matched.event_order,
        matched.event_date as conversion_date,
        sessions.session_number,
        sessions.started_timestamp as session_started_timestamp,
        matched.page_path,
        matched.engaged_msec_on_page / 1000.0 as engaged_seconds_on_page,
        matched.percent_scrolled_on_page,
        cast(matched.page_of_day + coalesce(session_days.pages_before_day, 0) as int64) as page_depth,
        sessions.is_new_visitor as is_first_session,
        sessions.exclusion_reason,
        case when catalog.conversion_type = 'macro' then matched.transaction_id end as transaction_id,
        case
            when catalog.value_rule = 'revenue' then matched.revenue_usd
            when catalog.value_rule = 'event_value' then matched.event_value_usd
            when starts_with(catalog.value_rule, 'fixed:')
                then {{ safe_cast_to("substr(catalog.value_rule, 7)", type_float64()) }}
        end as value_usd,
        case
            when catalog.conversion_type = 'macro' and catalog.value_rule = 'revenue' then matched.revenue_usd
        end as revenue_usd
    from matched
    inner join catalog on matched.conversion_name = catalog.conversion_name
    left join sessions on matched.session_id = sessions.session_id
    left join devices on matched.user_pseudo_id = devices.user_pseudo_id
    left join session_days
        on matched.session_id = session_days.session_id
        and matched.event_date = session_days.event_date

),

conversions_to_decide as (

    select * from visitor_conversions
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
        or (visitor_id is null and (transaction_id is not null or conversion_date in ({{ dates }})))
    {%- endif %}

),

first_of_orders as (

    -- The same order sent twice is one order, also by hits without a visitor.
    select {{ first_by("conversion_event_id", event_sequence, "true") }} as conversion_event_id
    from conversions_to_decide
    where transaction_id is not null
    group by conversion_name, coalesce(visitor_id, ''), property_id, transaction_id

),

orders_once as (

    -- Repeats go first, so that an old order sent again never stands for a new one of the same session.
    select conversions_to_decide.*
    from conversions_to_decide
    left join first_of_orders
        on conversions_to_decide.conversion_event_id = first_of_orders.conversion_event_id
    where conversions_to_decide.transaction_id is null
        or first_of_orders.conversion_event_id is not null

),

first_occurrences as (

    -- A hit without a visitor or session is nobody's repeat: it stands for itself.
    select conversion_event_id
    from orders_once
    where counting = 'every_event'

    union all

    select {{ first_by("conversion_event_id", event_sequence, "true") }} as conversion_event_id
    from orders_once
    where counting = 'once_per_session'
    group by conversion_name, coalesce(session_id, conversion_event_id)

    union all

    select {{ first_by("conversion_event_id", event_sequence, "true") }} as conversion_event_id
    from orders_once
    where counting = 'once_per_visitor'
    group by conversion_name, coalesce(visitor_id, conversion_event_id)

),

judged as (

    select
        conversions_to_decide.*,
        first_occurrences.conversion_event_id is not null as is_counted
    from conversions_to_decide
    left join first_occurrences
        on conversions_to_decide.conversion_event_id = first_occurrences.conversion_event_id

),

sequenced as (

    select
        conversion_event_id,
        row_number() over (
            partition by visitor_id, conversion_name
            order by event_timestamp, event_order, conversion_event_id
        ) as occurrence_number,
        max(case when conversion_type = 'micro' then event_timestamp end) over (
            partition by visitor_id
            order by event_timestamp, event_order, conversion_event_id
            rows between unbounded preceding and 1 preceding
        ) as previous_micro_timestamp
    from judged
    where is_counted
        and visitor_id is not null

),

int_conversions_counted as (

    select
        judged.conversion_event_id,
        judged.conversion_name,
        judged.conversion_type,
        judged.visitor_id,
        judged.user_pseudo_id,
        judged.session_id,
        judged.event_id,
        judged.event_name,
        judged.property_id,
        judged.event_timestamp,
        judged.event_order,
        {{ timestamp_from_micros("judged.event_timestamp") }} as occurred_at,
        judged.conversion_date,
        judged.session_number,
        judged.page_path,
        judged.engaged_seconds_on_page,
        judged.percent_scrolled_on_page,
        judged.page_depth,
        judged.is_first_session,
        (judged.event_timestamp - judged.session_started_timestamp) / 1000000.0 as seconds_since_session_start,
        (judged.event_timestamp - sequenced.previous_micro_timestamp) / 1000000.0 as seconds_since_previous_conversion,
        sequenced.occurrence_number,
        judged.value_usd,
        judged.transaction_id,
        judged.revenue_usd,
        judged.exclusion_reason,
        judged.is_counted
    from judged
    left join sequenced on judged.conversion_event_id = sequenced.conversion_event_id

)

select * from int_conversions_counted
