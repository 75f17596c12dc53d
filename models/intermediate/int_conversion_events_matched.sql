{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name"]),
    )
}}

{%- set dates = open_dates() %}

with events as {{ not_materialized() }} (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

rules as (

    select * from {{ ref("conversion_rules") }}

),

rule_groups as (

    select
        conversion_name,
        rule_group,
        min(event_name) as event_name,
        cast(sum(case when coalesce(field, '') <> '' then 1 else 0 end) as int64) as condition_count
    from rules
    group by conversion_name, rule_group

),

conditions as (

    select
        rules.conversion_name,
        rules.rule_group,
        rules.event_name,
        rules.field,
        rules.operator,
        coalesce(rules.value, '') as value,
        {{ safe_cast_to("rules.value", type_float64()) }} as value_number,
        row_number() over (
            order by rules.conversion_name, rules.rule_group, rules.field, rules.operator, rules.value
        ) as condition_number
    from rules
    where coalesce(rules.field, '') <> ''

),

item_conditions as (

    -- By themselves: behind the items they would meet every event first.
    select * from conditions
    where starts_with(field, 'item:')

),

fields_of_events as (

    -- Columns, parameters and items apart: an event's arrays are read only where a rule asks for them.
    select
        events.event_id,
        conditions.condition_number,
        {{ column_text("events", "conditions.field") }} as field_text
    from events
    inner join conditions on events.event_name = conditions.event_name
    where strpos(conditions.field, ':') = 0

    union all

    select
        events.event_id,
        conditions.condition_number,
        {{ column_text("events", "conditions.field") }} as field_text
    from events
    cross join conditions
    where conditions.event_name = '*'
        and strpos(conditions.field, ':') = 0

    union all

    select
        events.event_id,
        conditions.condition_number,
        {{ array_text("events", "conditions.field") }} as field_text
    from events
    inner join conditions on conditions.event_name in (events.event_name, '*')
    where starts_with(conditions.field, 'param:')
        or starts_with(conditions.field, 'user_property:')

    union all

    select
        events.event_id,
        item_conditions.condition_number,
        {{ item_field_text("item", "item_conditions.field") }} as field_text
    from events
    inner join item_conditions on item_conditions.event_name in (events.event_name, '*')
    cross join {{ unnest_as("events.items", "item") }}

),

distinct_fields as (

    -- Few values recur on many events: a pattern is compared once with each.
    select distinct
        condition_number,
        coalesce(field_text, '') as field_text
    from fields_of_events

),

fields_met as (

    select
        distinct_fields.condition_number,
        distinct_fields.field_text
    from distinct_fields
    inner join conditions on distinct_fields.condition_number = conditions.condition_number
    where {{ condition_holds(
        "distinct_fields.field_text", "conditions.operator", "conditions.value", "conditions.value_number"
    ) }}

),

conditions_met as (

    select distinct
        fields_of_events.event_id,
        fields_of_events.condition_number
    from fields_of_events
    inner join fields_met
        on fields_of_events.condition_number = fields_met.condition_number
        and coalesce(fields_of_events.field_text, '') = fields_met.field_text

),

groups_met as (

    select
        conditions_met.event_id,
        conditions.conversion_name,
        conditions.rule_group
    from conditions_met
    inner join conditions on conditions_met.condition_number = conditions.condition_number
    inner join rule_groups
        on conditions.conversion_name = rule_groups.conversion_name
        and conditions.rule_group = rule_groups.rule_group
    group by conditions_met.event_id, conditions.conversion_name, conditions.rule_group, rule_groups.condition_count
    having count(*) = rule_groups.condition_count

),

matches as (

    select
        event_id,
        conversion_name
    from groups_met

    union distinct

    select
        events.event_id,
        rule_groups.conversion_name
    from events
    inner join rule_groups on events.event_name = rule_groups.event_name
    where rule_groups.condition_count = 0

),

distinct_fields_asked as (

    -- What derived conversions count distinct values of, where it is not a column here.
    select distinct
        requires as conversion_name,
        distinct_by as field
    from {{ ref("derived_conversions") }}
    where coalesce(distinct_by, '') not in ('', 'page_path', 'event_name', 'session_id', 'conversion_date')

),

matches_asked as (

    select
        matches.event_id,
        matches.conversion_name,
        distinct_fields_asked.field
    from matches
    inner join distinct_fields_asked on matches.conversion_name = distinct_fields_asked.conversion_name

),

values_of_matches as (

    select
        matches_asked.event_id,
        matches_asked.conversion_name,
        matches_asked.field,
        {{ column_text("events", "matches_asked.field") }} as value_text
    from matches_asked
    inner join events on matches_asked.event_id = events.event_id
    where strpos(matches_asked.field, ':') = 0

    union all

    select
        matches_asked.event_id,
        matches_asked.conversion_name,
        matches_asked.field,
        {{ array_text("events", "matches_asked.field") }} as value_text
    from matches_asked
    inner join events on matches_asked.event_id = events.event_id
    where starts_with(matches_asked.field, 'param:')
        or starts_with(matches_asked.field, 'user_property:')

    union all

    select
        matches_asked.event_id,
        matches_asked.conversion_name,
        matches_asked.field,
        {{ item_field_text("item", "matches_asked.field") }} as value_text
    from matches_asked
    inner join events on matches_asked.event_id = events.event_id
    cross join {{ unnest_as("events.items", "item") }}
    where starts_with(matches_asked.field, 'item:')

),

distinct_values_of_matches as (

    select
        event_id,
        conversion_name,
        array_agg(distinct field || '=' || value_text order by field || '=' || value_text) as distinct_values
    from values_of_matches
    where value_text <> ''
    group by event_id, conversion_name

),

matched_events as (

    select distinct event_id
    from matches

),

events_of_pages as (

    -- What opens a page, was done on it or matched: all that page visits are made of.
    select
        events.event_id,
        events.session_id,
        events.event_date,
        events.event_timestamp,
        events.event_order,
        cast(round(coalesce(events.engagement_seconds, 0) * 1000) as int64) as engaged_msec,
        events.percent_scrolled,
        case when events.event_name in ('page_view', 'screen_view') then 1 else 0 end as page_count,
        matched_events.event_id is not null as is_match
    from events
    left join matched_events on events.event_id = matched_events.event_id
    where events.session_id is not null
        and (
            matched_events.event_id is not null
            or events.event_name in ('page_view', 'screen_view')
            or events.engagement_seconds > 0
            or events.percent_scrolled is not null
        )

),

page_positions as (

    select
        *,
        sum(page_count) over (
            partition by event_date, session_id
            order by event_timestamp, event_order, event_id
            rows between unbounded preceding and current row
        ) as page_of_day
    from events_of_pages

),

page_visits as (

    -- A page visit lasts from one page view of the session to the next, at most to the end of the day.
    select
        session_id,
        event_date,
        page_of_day,
        cast(sum(engaged_msec) as int64) as engaged_msec_on_page,
        max(percent_scrolled) as percent_scrolled_on_page
    from page_positions
    group by session_id, event_date, page_of_day
    having max(case when is_match then 1 else 0 end) = 1

),

pages_of_matches as (

    select
        page_positions.event_id,
        page_positions.page_of_day,
        page_visits.engaged_msec_on_page,
        page_visits.percent_scrolled_on_page
    from page_positions
    inner join page_visits
        on page_positions.session_id = page_visits.session_id
        and page_positions.event_date = page_visits.event_date
        and page_positions.page_of_day = page_visits.page_of_day
    where page_positions.is_match

),

int_conversion_events_matched as (

    select
        events.event_id || '/' || matches.conversion_name as conversion_event_id,
        matches.conversion_name,
        events.event_id,
        events.event_name,
        events.property_id,
        events.event_date,
        events.event_timestamp,
        events.event_order,
        events.user_pseudo_id,
        events.user_id_hash,
        events.session_id,
        events.page_path,
        pages_of_matches.engaged_msec_on_page,
        pages_of_matches.percent_scrolled_on_page,
        cast(pages_of_matches.page_of_day as int64) as page_of_day,
        events.transaction_id,
        events.revenue_usd,
        coalesce(
            events.event_value_in_usd,
            case when coalesce(events.currency, 'USD') = 'USD' then {{ amount("events.event_value") }} end
        ) as event_value_usd,
        events.has_ads_consent,
        distinct_values_of_matches.distinct_values
    from matches
    inner join events on matches.event_id = events.event_id
    left join pages_of_matches on matches.event_id = pages_of_matches.event_id
    left join distinct_values_of_matches
        on matches.event_id = distinct_values_of_matches.event_id
        and matches.conversion_name = distinct_values_of_matches.conversion_name

)

select * from int_conversion_events_matched
