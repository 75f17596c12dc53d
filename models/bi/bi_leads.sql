with lead_scores as (

    select * from {{ ref("mart_lead_scores") }}

),

visitor_stages as (

    select * from {{ ref("mart_visitor_stages") }}

),

visitors as (

    -- A list of whom to address holds nobody who has not allowed it.
    select * from {{ ref("dim_visitors") }}
    where has_consent and has_ads_consent

),

stalled_visitors as (

    select * from {{ ref("mart_stalled_visitors") }}
    where is_listed

),

newest_moments as (

    select
        visitor_id,
        label,
        stalled_at
    from stalled_visitors
    qualify row_number() over (partition by visitor_id order by stalled_at desc, moment asc) = 1

),

bi_leads as (

    select
        lead_scores.visitor_id,
        lead_scores.lead_score,
        lead_scores.score_decile,
        lead_scores.probability,
        lead_scores.probability_low,
        lead_scores.probability_high,
        lead_scores.top_reasons,
        visitor_stages.visitor_stage,
        visitor_stages.intent_level,
        lead_scores.last_activity_at,
        lead_scores.session_count,
        lead_scores.micro_conversion_count,
        lead_scores.macro_conversion_count,
        visitors.first_touch_channel_group,
        newest_moments.label as stalled_label,
        newest_moments.stalled_at
    from lead_scores
    inner join visitors on lead_scores.visitor_id = visitors.visitor_id
    left join visitor_stages on lead_scores.visitor_id = visitor_stages.visitor_id
    left join newest_moments on lead_scores.visitor_id = newest_moments.visitor_id

)

select * from bi_leads
