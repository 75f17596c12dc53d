-- What moved more than chance does, and where did tracking break? The newest first.
with alerts as (

    select * from {{ ref("mart_alerts") }}
    where notifies

),

what_moved_and_what_broke as (

    select
        alert_date,
        metric_label,
        rule,
        direction,
        since_date,
        is_ongoing,
        relative_change,
        rate,
        rate_low,
        rate_high,
        value_unit,
        mean,
        mean_low,
        mean_high,
        sentence,
        diagnosis,
        next_look,
        annotations,
        metric_name
    from alerts

)

select * from what_moved_and_what_broke
order by alert_date desc, metric_name asc, rule asc, direction asc
