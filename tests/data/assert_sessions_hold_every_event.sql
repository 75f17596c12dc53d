-- Accepted events of a day = events of its sessions + hits of devices outside any session + hits without a
-- device; and what the days of a session hold is what the whole session holds.
with export_days as (

    select * from {{ ref("int_export_days_counted") }}

),

session_days as (

    select * from {{ ref("int_session_days") }}

),

sessions as (

    select * from {{ ref("fct_sessions") }}

),

events_of_days as (

    select
        event_date,
        sum(event_count) as event_count
    from session_days
    group by event_date

),

events_of_sessions as (

    select
        session_id,
        sum(event_count) as event_count,
        sum(page_view_count) as page_view_count
    from session_days
    where session_id is not null
    group by session_id

),

differences as (

    select
        cast(coalesce(export_days.event_date, events_of_days.event_date) as {{ dbt.type_string() }}) as subject,
        export_days.accepted_count - export_days.consentless_count as expected_count,
        coalesce(events_of_days.event_count, 0) as found_count
    from export_days
    full outer join events_of_days on export_days.event_date = events_of_days.event_date

    union all

    select
        coalesce(events_of_sessions.session_id, sessions.session_id) as subject,
        events_of_sessions.event_count + events_of_sessions.page_view_count as expected_count,
        sessions.event_count + sessions.page_view_count as found_count
    from events_of_sessions
    full outer join sessions on events_of_sessions.session_id = sessions.session_id

)

select *
from differences
where coalesce(expected_count, -1) <> coalesce(found_count, -1)
