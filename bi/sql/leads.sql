-- Leads: who is worth a call today, the best tenth without a goal, of those who allowed analytics and advertising.
-- Chart: a table. Rows are of persons.
select
    visitor_id,
    lead_score,
    probability,
    probability_low,
    probability_high,
    top_reasons,
    visitor_stage,
    stalled_label,
    stalled_at,
    last_activity_at
from micro_conversions.bi_leads
where score_decile = 10 and macro_conversion_count = 0
order by lead_score desc, visitor_id
limit 200
