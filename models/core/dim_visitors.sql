{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        on_schema_change="fail",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        cluster_by=bigquery_only(["visitor_id"]),
    )
}}
-- depends_on: {{ ref("int_visitors_changed") }}

with sessions as (

    select * from {{ ref("fct_sessions") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted
        and visitor_id is not null
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

visits as (

    select
        visitor_id,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        {{ first_by(
            struct_of(["first_touch_source", "first_touch_medium", "first_touch_channel_group"]),
            ["started_at", "session_id"], "first_touch_source is not null"
        ) }} as first_touch,
        {{ first_by(
            struct_of(["session_source", "session_medium", "channel_group"]),
            ["started_at", "session_id"], "true"
        ) }} as first_session,
        cast(count(*) as int64) as session_count,
        cast(count(distinct user_pseudo_id) as int64) as device_count,
        {{ last_by("has_consent", ["started_at", "session_id"], "has_consent is not null") }} as has_consent,
        {{ last_by("has_ads_consent", ["started_at", "session_id"], "has_ads_consent is not null") }}
            as has_ads_consent,
        min(case when exclusion_reason is null then 0 else 1 end) = 1 as is_excluded
    from sessions
    group by visitor_id

),

visitor_conversions as (

    select
        conversions.visitor_id,
        min(conversions.occurred_at) as first_converted_at,
        max(conversions.occurred_at) as last_converted_at,
        cast(sum(case when conversions.conversion_type = 'micro' then 1 else 0 end) as int64)
            as micro_conversion_count,
        cast(sum(case when conversions.conversion_type = 'macro' then 1 else 0 end) as int64)
            as macro_conversion_count,
        max(catalog.stage_number) as stage_number
    from conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    group by conversions.visitor_id

),

visitor_sales as (

    {{ sales_by("visitor_id", "conversions") }}

),

dim_visitors as (

    -- A visitor known by hits outside any session has conversions but no visit.
    select
        coalesce(visits.visitor_id, visitor_conversions.visitor_id) as visitor_id,
        coalesce(visits.first_seen_at, visitor_conversions.first_converted_at) as first_seen_at,
        greatest(
            coalesce(visits.last_seen_at, visitor_conversions.last_converted_at),
            coalesce(visitor_conversions.last_converted_at, visits.last_seen_at)
        ) as last_seen_at,
        coalesce(visits.first_touch.first_touch_source, visits.first_session.session_source) as first_touch_source,
        case
            when visits.first_touch.first_touch_source is null then visits.first_session.session_medium
            else visits.first_touch.first_touch_medium
        end as first_touch_medium,
        coalesce(
            visits.first_touch.first_touch_channel_group, visits.first_session.channel_group, 'Unassigned'
        ) as first_touch_channel_group,
        coalesce(visits.session_count, 0) as session_count,
        coalesce(visits.device_count, 0) as device_count,
        coalesce(visitor_conversions.micro_conversion_count, 0) as micro_conversion_count,
        coalesce(visitor_conversions.macro_conversion_count, 0) as macro_conversion_count,
        coalesce(visitor_sales.revenue_usd, 0) as revenue_usd,
        case visitor_conversions.stage_number
            when 5 then 'conversion'
            when 4 then 'intent'
            when 3 then 'consideration'
            when 2 then 'interest'
            else 'awareness'
        end as funnel_stage,
        coalesce(visits.has_consent, false) as has_consent,
        coalesce(visits.has_ads_consent, false) as has_ads_consent,
        coalesce(visits.is_excluded, false) as is_excluded
    from visits
    full outer join visitor_conversions on visits.visitor_id = visitor_conversions.visitor_id
    left join visitor_sales on visitor_conversions.visitor_id = visitor_sales.visitor_id

)

select * from dim_visitors
