{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
    )
}}

{%- set dates = open_dates() %}
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
        case when catalog.conversion_type = 'macro' then matched.revenue_usd end as revenue_usd
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
        or (visitor_id is null and conversion_date in ({{ dates }}))
    {%- endif %}

),

ranked as (

    -- A hit without a visitor is nobody's repeat: it stands for itself, but for the order it names.
    select
        *,
        row_number() over (
            partition by
                conversion_name,
                case
                    when counting = 'once_per_visitor' then coalesce(visitor_id, conversion_event_id)
                    when counting = 'once_per_session' then coalesce(session_id, conversion_event_id)
                    else conversion_event_id
                end
            order by event_timestamp, event_order, conversion_event_id
        ) as rank_by_counting,
        row_number() over (
            partition by
                conversion_name, coalesce(visitor_id, ''), coalesce(property_id || '/' || transaction_id, conversion_event_id)
            order by event_timestamp, event_order, conversion_event_id
        ) as rank_by_transaction
    from conversions_to_decide

),

judged as (

    select
        *,
        rank_by_counting = 1 and rank_by_transaction = 1 as is_counted
    from ranked

),

int_conversions_counted as (

    select
        conversion_event_id,
        conversion_name,
        conversion_type,
        visitor_id,
        user_pseudo_id,
        session_id,
        event_id,
        event_name,
        property_id,
        event_timestamp,
        event_order,
        {{ timestamp_from_micros("event_timestamp") }} as occurred_at,
        conversion_date,
        session_number,
        page_path,
        engaged_seconds_on_page,
        percent_scrolled_on_page,
        page_depth,
        is_first_session,
        (event_timestamp - session_started_timestamp) / 1000000.0 as seconds_since_session_start,
        case
            when is_counted and visitor_id is not null
                then (
                    event_timestamp - max(
                        case when is_counted and conversion_type = 'micro' then event_timestamp end
                    ) over (
                        partition by visitor_id
                        order by event_timestamp, event_order, conversion_event_id
                        rows between unbounded preceding and 1 preceding
                    )
                ) / 1000000.0
        end as seconds_since_previous_conversion,
        case
            when is_counted and visitor_id is not null
                then cast(
                    sum(case when is_counted then 1 else 0 end) over (
                        partition by visitor_id, conversion_name
                        order by event_timestamp, event_order, conversion_event_id
                        rows between unbounded preceding and current row
                    ) as int64
                )
        end as occurrence_number,
        value_usd,
        transaction_id,
        revenue_usd,
        exclusion_reason,
        is_counted
    from judged

)

select * from int_conversions_counted
