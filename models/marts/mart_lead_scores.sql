{{
    config(
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}

with conversions as (

    select * from {{ ref("fct_micro_conversions") }}
    where visitor_id is not null
        and exclusion_reason is null

    union all

    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        session_id,
        event_id,
        occurred_at,
        conversion_date,
        session_number,
        page_path,
        engaged_seconds_on_page,
        percent_scrolled_on_page,
        page_depth,
        is_first_session,
        seconds_since_session_start,
        seconds_since_previous_conversion,
        occurrence_number,
        value_usd,
        exclusion_reason
    from {{ ref("fct_macro_conversions") }}
    where visitor_id is not null
        and exclusion_reason is null

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

visitors as (

    select * from {{ ref("dim_visitors") }}
    where not is_excluded

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

bands as (

    select * from {{ ref("lead_score_bands") }}

),

decayed as (

    -- Points halve with every half-life that has passed since the occurrence.
    select
        conversions.visitor_id,
        conversions.conversion_name,
        catalog.label,
        catalog.points_cap,
        catalog.points_origin,
        {{ decayed_points(
            "catalog.lead_points * 1000000", micros_of_timestamp("conversions.occurred_at"), "as_of.as_of_timestamp",
            "catalog.half_life_days"
        ) }} as point_millionths
    from conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    cross join as_of
    where catalog.lead_points > 0

),

gathered as (

    select
        visitor_id,
        conversion_name,
        label,
        points_cap,
        cast(count(*) as int64) as occurrence_count,
        {{ gathered_points("point_millionths", "points_origin = 'learned'") }} / 1000000.0 as uncapped_points
    from decayed
    group by visitor_id, conversion_name, label, points_cap, points_origin

),

capped as (

    select
        *,
        least(uncapped_points, coalesce(points_cap, uncapped_points)) as points
    from gathered

),

ranked as (

    select
        *,
        row_number() over (
            partition by visitor_id
            order by points desc, conversion_name asc
        ) as reason_number
    from capped

),

scored as (

    select
        visitor_id,
        cast(sum(cast(round(points * 1000000) as int64)) as int64) / 1000000.0 as lead_score,
        max(case when reason_number = 1 then {{ reason_text() }} end) as first_reason,
        max(case when reason_number = 2 then {{ reason_text() }} end) as second_reason,
        max(case when reason_number = 3 then {{ reason_text() }} end) as third_reason
    from ranked
    group by visitor_id

),

converted as (

    -- The probability is of a first time: whoever got there already has none.
    select distinct conversions.visitor_id
    from conversions
    inner join bands on conversions.conversion_name = bands.conversion_name

),

scores as (

    select
        visitors.visitor_id,
        coalesce(scored.lead_score, 0.0) as lead_score,
        visitors.funnel_stage,
        visitors.last_seen_at as last_activity_at,
        visitors.session_count,
        visitors.micro_conversion_count,
        visitors.macro_conversion_count,
        visitors.has_consent,
        coalesce(
            scored.first_reason || coalesce('; ' || scored.second_reason, '')
            || coalesce('; ' || scored.third_reason, ''),
            'nothing that scores'
        ) as top_reasons
    from visitors
    left join scored on visitors.visitor_id = scored.visitor_id

),

active as (

    -- Scores were tested on visitors seen in the last thirty days.
    select scores.visitor_id
    from scores
    cross join as_of
    left join converted on scores.visitor_id = converted.visitor_id
    where converted.visitor_id is null
        and as_of.as_of_timestamp - {{ micros_of_timestamp("scores.last_activity_at") }} <= 2592000000000

),

mart_lead_scores as (

    -- Equal scores share a decile; 10 is the best tenth.
    select
        scores.visitor_id,
        scores.lead_score,
        cast(least(floor(percent_rank() over (order by scores.lead_score) * 10) + 1, 10) as int64) as score_decile,
        cast(bands.probability_percent as {{ type_float64() }}) / 100 as probability,
        cast(bands.probability_percent_low as {{ type_float64() }}) / 100 as probability_low,
        cast(bands.probability_percent_high as {{ type_float64() }}) / 100 as probability_high,
        scores.funnel_stage,
        scores.last_activity_at,
        scores.top_reasons,
        scores.session_count,
        scores.micro_conversion_count,
        scores.macro_conversion_count,
        scores.has_consent
    from scores
    left join active on scores.visitor_id = active.visitor_id
    left join bands
        on active.visitor_id is not null
        and scores.lead_score >= bands.score_from
        and (scores.lead_score < bands.score_to or bands.score_to is null)

)

select * from mart_lead_scores
