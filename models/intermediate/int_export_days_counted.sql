with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

int_export_days_counted as (

    select
        event_date,
        cast(sum(raw_row_count) as int64) as raw_row_count,
        cast(sum(accepted_count) as int64) as accepted_count,
        cast(sum(consentless_count) as int64) as consentless_count,
        min(case when is_final then 1 else 0 end) = 1 as is_final
    from export_days
    group by event_date

)

select * from int_export_days_counted
