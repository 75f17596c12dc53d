with exposures as (

    select * from {{ ref("int_experiment_exposures_matched") }}

),

mart_experiment_rejections as (

    select
        source_name,
        event_name,
        rejection_reason,
        cast(sum(event_count) as int64) as event_count,
        min(event_date) as first_date,
        max(event_date) as last_date
    from exposures
    where rejection_reason is not null
    group by source_name, event_name, rejection_reason

)

select * from mart_experiment_rejections
