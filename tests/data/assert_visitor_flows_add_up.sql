-- Nobody is lost between two weeks: who stands in a stage at a week's end stands in it "a week before" in the next.
with flows as (

    select * from {{ ref("mart_visitor_segments") }}

),

ends as (

    select
        {{ add_days("week_end_date", 7) }} as week_end_date,
        visitor_stage,
        sum(visitor_count) as visitor_count
    from flows
    group by week_end_date, visitor_stage

),

beginnings as (

    select
        week_end_date,
        previous_visitor_stage as visitor_stage,
        sum(visitor_count) as visitor_count
    from flows
    where previous_visitor_stage not in ('new', 'unknown')
    group by week_end_date, previous_visitor_stage

),

weeks as (

    select distinct week_end_date
    from flows

),

first_week as (

    select min(week_end_date) as week_end_date
    from weeks

)

select
    coalesce(ends.week_end_date, beginnings.week_end_date) as week_end_date,
    coalesce(ends.visitor_stage, beginnings.visitor_stage) as visitor_stage,
    ends.visitor_count,
    beginnings.visitor_count as next_visitor_count
from ends
full outer join beginnings
    on ends.week_end_date = beginnings.week_end_date
    and ends.visitor_stage = beginnings.visitor_stage
inner join weeks on coalesce(ends.week_end_date, beginnings.week_end_date) = weeks.week_end_date
cross join first_week
where coalesce(ends.visitor_count, 0) <> coalesce(beginnings.visitor_count, 0)
    and coalesce(ends.week_end_date, beginnings.week_end_date) > first_week.week_end_date
