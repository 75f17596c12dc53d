{{
    config(
        partition_by=bigquery_only({"field": "session_date", "data_type": "date"}),
        cluster_by=bigquery_only(["session_id"]),
    )
}}

{%- set dimensions = watched_dimensions() | reject("equalto", "browser") | list %}

with sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

attributed_sessions as (

    select
        session_id,
        coalesce(browser, '(unknown)') as browser
    from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

macro_conversions as (

    select * from {{ ref("fct_macro_conversions") }}
    where session_id is not null

),

selling_conversions as (

    -- A macro-conversion that never came with money is no sale.
    select distinct conversion_name
    from macro_conversions
    where revenue_usd > 0

),

sales as (

    -- One event may be two macro-conversions: it is one sale.
    select
        macro_conversions.session_id,
        macro_conversions.event_id,
        max(macro_conversions.revenue_usd) as revenue_usd
    from macro_conversions
    inner join selling_conversions on macro_conversions.conversion_name = selling_conversions.conversion_name
    group by macro_conversions.session_id, macro_conversions.event_id

),

sales_of_sessions as (

    select
        session_id,
        cast(count(*) as int64) as sale_count,
        cast(sum(case when revenue_usd > 0 then 1 else 0 end) as int64) as paid_sale_count,
        {{ exact_sum("revenue_usd") }} as revenue_usd
    from sales
    group by session_id

),

ranked_browsers as (

    select
        browser,
        row_number() over (order by count(*) desc, browser) as size_rank
    from attributed_sessions
    group by browser

),

int_sessions_watched as (

    select
        sessions.session_id,
        sessions.session_date,
        {{ bucket_of_visitor_number("sessions.visitor_number") }} as bucket_number,
        {%- for dimension in dimensions %}
        sessions.{{ dimension }},
        {%- endfor %}
        case
            when ranked_browsers.size_rank <= {{ var("largest_segments") }} then ranked_browsers.browser
            else '(other)'
        end as browser,
        coalesce(sales_of_sessions.sale_count, 0) as sale_count,
        coalesce(sales_of_sessions.paid_sale_count, 0) as paid_sale_count,
        coalesce(sales_of_sessions.revenue_usd, 0) as revenue_usd
    from sessions
    inner join attributed_sessions on sessions.session_id = attributed_sessions.session_id
    inner join ranked_browsers on attributed_sessions.browser = ranked_browsers.browser
    left join sales_of_sessions on sessions.session_id = sales_of_sessions.session_id

)

select * from int_sessions_watched
