{{ config(materialized="view") }}

with conversions as (

    select * from {{ ref("int_conversions_counted") }}

),

fct_micro_conversions as (

    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        session_id,
        event_id,
        occurred_at,
        conversion_date,
        session_number,
        page_path,
        engaged_seconds_on_page,
        percent_scrolled_on_page,
        page_depth,
        is_first_session,
        seconds_since_session_start,
        seconds_since_previous_conversion,
        occurrence_number,
        value_usd,
        exclusion_reason
    from conversions
    where conversion_type = 'micro'
        and is_counted

)

select * from fct_micro_conversions
