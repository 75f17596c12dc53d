-- No text that staging keeps holds an e-mail address, plain or percent-encoded, in the days that the last run read.
-- All parameters are many, so that they are looked at in one event of sixteen: a leak in them is rarely alone.
-- The pattern finds less than the one that redacts, so that it never complains about what was redacted rightly.
{%- set text_columns = [
    "page_location", "page_path", "page_title", "page_referrer", "search_term", "link_url", "file_name", "form_id",
    "event_source", "event_campaign", "last_click_source", "first_touch_source", "raw_row"
] %}
{%- set newest_dates = newest_load_dates() %}
with suspected_texts as (

    -- The events are named twice and not shared by a CTE, which would be kept with every column; and a sign is
    -- quicker to find than a pattern.
    select
        events.event_id,
        {% for column in text_columns -%}
        coalesce(events.{{ column }}, '') {{ "|| ' ' || " if not loop.last }}
        {%- endfor %} as staged_text
    from {{ ref("base_ga4__events") }} as events
    where events.event_date in ({{ newest_dates }})
        and (
            {%- for column in text_columns %}
            {{ "or " if not loop.first }}{{ holds_address("events." ~ column) }}
            {%- endfor %}
        )

    union all

    select
        events.event_id,
        coalesce({{ params_text("events.event_params") }}, '')
        || ' ' || coalesce({{ params_text("events.user_properties") }}, '') as staged_text
    from {{ ref("base_ga4__events") }} as events
    where events.event_date in ({{ newest_dates }})
        and starts_with(events.event_id, '0')

)

select
    event_id,
    staged_text
from suspected_texts
where {{ regexp_found("staged_text", "'[A-Za-z0-9._+-](@|%(25)*40)[A-Za-z0-9-]+[.][A-Za-z]'") }}
