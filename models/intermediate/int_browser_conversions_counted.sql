with visits as (

    select * from {{ ref("int_sessions_watched") }}

),

catalog as (

    select * from {{ ref("dim_conversions") }}

),

micro_conversions as (

    select * from {{ ref("fct_micro_conversions") }}
    where session_id is not null

),

macro_conversions as (

    select * from {{ ref("fct_macro_conversions") }}
    where session_id is not null

),

converting_sessions as (

    select
        session_id,
        conversion_name
    from micro_conversions

    union distinct

    select
        session_id,
        conversion_name
    from macro_conversions

),

browser_visits as (

    select
        session_date,
        browser,
        cast(count(*) as int64) as session_count
    from visits
    group by session_date, browser

),

converting_visits as (

    select
        visits.session_date,
        visits.browser,
        converting_sessions.conversion_name,
        cast(count(*) as int64) as converting_session_count
    from visits
    inner join converting_sessions on visits.session_id = converting_sessions.session_id
    group by visits.session_date, visits.browser, converting_sessions.conversion_name

),

int_browser_conversions_counted as (

    select
        browser_visits.session_date,
        browser_visits.browser,
        catalog.conversion_name,
        browser_visits.session_count,
        coalesce(converting_visits.converting_session_count, 0) as converting_session_count
    from browser_visits
    cross join catalog
    left join converting_visits
        on browser_visits.session_date = converting_visits.session_date
        and browser_visits.browser = converting_visits.browser
        and catalog.conversion_name = converting_visits.conversion_name

)

select * from int_browser_conversions_counted
