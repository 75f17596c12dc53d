-- Where did visitors stand at the end of the last whole week, and where a week before?
with flows as (

    select * from {{ ref("mart_visitor_segments") }}

),

last_week as (

    select max(week_end_date) as week_end_date
    from flows

),

where_do_visitors_stand as (

    select
        flows.week_start_date,
        flows.previous_visitor_stage,
        flows.visitor_stage,
        flows.visitor_count,
        flows.flow_rate,
        flows.flow_rate_low,
        flows.flow_rate_high,
        flows.stage_visitor_count,
        flows.is_history_loaded
    from flows
    inner join last_week on flows.week_end_date = last_week.week_end_date

)

select * from where_do_visitors_stand
order by previous_visitor_stage asc, visitor_count desc, visitor_stage asc
