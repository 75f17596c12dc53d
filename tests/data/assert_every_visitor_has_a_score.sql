-- Every visitor who is not excluded has a score with a reason, and nobody else has one.
with visitors as (

    select * from {{ ref("dim_visitors") }}
    where not is_excluded

),

scores as (

    select * from {{ ref("mart_lead_scores") }}

)

select
    coalesce(visitors.visitor_id, scores.visitor_id) as visitor_id,
    scores.lead_score,
    scores.top_reasons
from visitors
full outer join scores on visitors.visitor_id = scores.visitor_id
where visitors.visitor_id is null
    or scores.visitor_id is null
    or scores.top_reasons is null
    or (scores.lead_score > 0) <> (scores.top_reasons <> 'nothing that scores')
    or scores.funnel_stage <> visitors.funnel_stage
