-- Who is worth a call today? The best tenth of the visitors who have not reached a goal yet, who were here within
-- a week of the last loaded day, and who agreed to analytics.
with scores as (

    select * from {{ ref("mart_lead_scores") }}
    where score_decile = 10
        and lead_score > 0
        and macro_conversion_count = 0
        and has_consent

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

visitors as (

    select * from {{ ref("dim_visitors") }}

),

who_is_worth_a_call_today as (

    select
        scores.visitor_id,
        scores.lead_score,
        scores.top_reasons,
        scores.funnel_stage,
        scores.last_activity_at,
        scores.session_count,
        visitors.first_touch_channel_group
    from scores
    inner join visitors on scores.visitor_id = visitors.visitor_id
    cross join as_of
    where {{ micros_of_timestamp("scores.last_activity_at") }} >= as_of.as_of_timestamp - 7 * 86400000000

)

select * from who_is_worth_a_call_today
order by lead_score desc, visitor_id asc
limit 100
