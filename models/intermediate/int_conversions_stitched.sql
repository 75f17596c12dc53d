{{ config(materialized="view") }}

with matched as (

    select * from {{ ref("int_conversion_events_matched") }}

),

sessions as (

    select * from {{ ref("int_sessions_attributed") }}

),

devices as (

    select * from {{ ref("int_visitor_devices_identified") }}

),

catalog as (

    select * from {{ ref("conversion_catalog") }}

),

int_conversions_stitched as (

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
        matched.event_date,
        sessions.session_number,
        sessions.started_timestamp as session_started_timestamp,
        sessions.ended_timestamp as session_ended_timestamp,
        matched.page_path,
        matched.engaged_msec_on_page / 1000.0 as engaged_seconds_on_page,
        matched.percent_scrolled_on_page,
        matched.page_of_day,
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
        end as revenue_usd,
        matched.distinct_values
    from matched
    inner join catalog on matched.conversion_name = catalog.conversion_name
    left join sessions on matched.session_id = sessions.session_id
    left join devices on matched.user_pseudo_id = devices.user_pseudo_id

)

select * from int_conversions_stitched
