with rows_of_the_export as (

    select * from {{ ref("base_ga4__events") }}

),

stg_ga4__rejected_events as (

    select
        event_id as rejected_event_id,
        property_id,
        event_date,
        event_timestamp,
        event_name,
        rejection_reason,
        source_table_kind,
        raw_row
    from rows_of_the_export
    where rejection_reason is not null

)

select * from stg_ga4__rejected_events
