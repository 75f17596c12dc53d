-- No text that staging keeps holds an e-mail address, plain or percent-encoded, in the days that the last run read.
-- The pattern is looser than the one that redacts: it looks for a host with a dot behind the sign.
with export_days as (

    select * from {{ ref("stg_ga4__export_days") }}

),

events as (

    select * from {{ ref("base_ga4__events") }}
    where event_date in (
        select export_days.event_date
        from export_days
        where export_days.loaded_at = (select max(newest.loaded_at) from export_days as newest)
    )

),

texts as (

    select
        event_id,
        coalesce(page_location, '') || ' ' || coalesce(page_path, '') || ' ' || coalesce(page_title, '')
        || ' ' || coalesce(page_referrer, '') || ' ' || coalesce(search_term, '')
        || ' ' || coalesce(link_url, '') || ' ' || coalesce(file_name, '') || ' ' || coalesce(form_id, '')
        || ' ' || coalesce(event_source, '') || ' ' || coalesce(event_campaign, '')
        || ' ' || coalesce(raw_row, '')
        || ' ' || coalesce({{ params_text("event_params") }}, '')
        || ' ' || coalesce({{ params_text("user_properties") }}, '') as staged_text
    from events

)

select
    event_id,
    staged_text
from texts
where {{ regexp_found("staged_text", "'[A-Za-z0-9._+-](@|%40)[A-Za-z0-9-]+[.][A-Za-z]'") }}
