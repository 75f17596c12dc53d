-- Which days can be trusted? Days that Google may still change, that lack fields, that lost more than one row in
-- a hundred, or whose traffic is less than half of the average day.
with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

compared_days as (

    select
        *,
        avg(accepted_count) over (partition by property_id) as usual_accepted_count
    from export_days

),

which_days_can_be_trusted as (

    select
        property_id,
        event_date,
        source_table_kind,
        raw_row_count,
        accepted_count,
        rejected_count,
        duplicate_count,
        missing_column_count,
        case
            when accepted_count < 0.5 * usual_accepted_count then 'little traffic or an outage'
            when rejected_count > 0.01 * raw_row_count then 'many rejected rows'
            when not is_final then 'not final'
            when missing_column_count > 0 then 'fields missing'
            else 'complete'
        end as judgement
    from compared_days

)

select * from which_days_can_be_trusted
order by event_date, property_id
