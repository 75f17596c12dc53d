-- Raw = accepted + rejected + duplicate on every day, and the rows of the days that the last run read are
-- really there: accepted ones in stg_ga4__events, rejected ones in stg_ga4__rejected_events.
{%- set newest_dates = newest_load_dates() %}
with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

newest_days as (

    select * from export_days
    where loaded_at = (select max(newest.loaded_at) from export_days as newest)

),

staged_rows as (

    select
        property_id,
        event_date,
        1 as is_accepted
    from {{ ref("stg_ga4__events") }}
    where event_date in ({{ newest_dates }})

    union all

    select
        property_id,
        event_date,
        0 as is_accepted
    from {{ ref("stg_ga4__rejected_events") }}
    where event_date in ({{ newest_dates }})

),

staged_days as (

    select
        property_id,
        event_date,
        sum(is_accepted) as accepted_count,
        sum(1 - is_accepted) as rejected_count
    from staged_rows
    group by property_id, event_date

),

differences as (

    select
        export_days.property_id,
        export_days.event_date,
        'raw' as row_kind,
        export_days.raw_row_count as ledger_count,
        export_days.accepted_count + export_days.rejected_count + export_days.duplicate_count as found_count
    from export_days

    union all

    select
        newest_days.property_id,
        newest_days.event_date,
        'accepted' as row_kind,
        newest_days.accepted_count as ledger_count,
        coalesce(staged_days.accepted_count, 0) as found_count
    from newest_days
    left join staged_days
        on newest_days.property_id = staged_days.property_id and newest_days.event_date = staged_days.event_date

    union all

    select
        newest_days.property_id,
        newest_days.event_date,
        'rejected' as row_kind,
        newest_days.rejected_count as ledger_count,
        coalesce(staged_days.rejected_count, 0) as found_count
    from newest_days
    left join staged_days
        on newest_days.property_id = staged_days.property_id and newest_days.event_date = staged_days.event_date

)

select *
from differences
where ledger_count <> found_count
