

with events as not materialized (

    select * from "compile"."main"."stg_ga4__events"

),

rules as (

    select * from "compile"."main"."conversion_rules"

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
        try_cast(rules.value as double) as value_number,
        row_number() over (
            order by rules.conversion_name, rules.rule_group, rules.field, rules.operator, rules.value
        ) as condition_number
    from rules
    where coalesce(rules.field, '') <> ''

),

fields_of_events as (

    -- Columns, parameters and items apart: an event's arrays are read only where a rule asks for them.
    select
        events.event_id,
        conditions.condition_number,
        case
        when conditions.field = 'page_path' then events.page_path
        when conditions.field = 'page_location' then events.page_location
        when conditions.field = 'page_title' then events.page_title
        when conditions.field = 'page_referrer' then events.page_referrer
        when conditions.field = 'search_term' then events.search_term
        when conditions.field = 'link_url' then events.link_url
        when conditions.field = 'file_name' then events.file_name
        when conditions.field = 'form_id' then events.form_id
        when conditions.field = 'currency' then events.currency
        when conditions.field = 'device_category' then events.device_category
        when conditions.field = 'country' then events.country
        when conditions.field = 'platform' then events.platform
        when conditions.field = 'transaction_id' then events.transaction_id
        when conditions.field = 'event_source' then events.event_source
        when conditions.field = 'event_medium' then events.event_medium
        when conditions.field = 'event_campaign' then events.event_campaign
        when conditions.field = 'hostname' then events.hostname
        when conditions.field = 'engagement_seconds' then case
        when events.engagement_seconds = floor(events.engagement_seconds) and abs(events.engagement_seconds) < 1e15
            then cast(try_cast(events.engagement_seconds as int64) as TEXT)
        else cast(events.engagement_seconds as TEXT)
    end
        when conditions.field = 'event_value' then case
        when events.event_value = floor(events.event_value) and abs(events.event_value) < 1e15
            then cast(try_cast(events.event_value as int64) as TEXT)
        else cast(events.event_value as TEXT)
    end
        when conditions.field = 'revenue_usd' then case
        when events.revenue_usd = floor(events.revenue_usd) and abs(events.revenue_usd) < 1e15
            then cast(try_cast(events.revenue_usd as int64) as TEXT)
        else cast(events.revenue_usd as TEXT)
    end
        when conditions.field = 'percent_scrolled' then cast(events.percent_scrolled as TEXT)
        when conditions.field = 'session_number' then cast(events.session_number as TEXT)
    end as field_text
    from events
    inner join conditions on events.event_name = conditions.event_name
    where strpos(conditions.field, ':') = 0

    union all

    select
        events.event_id,
        conditions.condition_number,
        case
        when conditions.field = 'page_path' then events.page_path
        when conditions.field = 'page_location' then events.page_location
        when conditions.field = 'page_title' then events.page_title
        when conditions.field = 'page_referrer' then events.page_referrer
        when conditions.field = 'search_term' then events.search_term
        when conditions.field = 'link_url' then events.link_url
        when conditions.field = 'file_name' then events.file_name
        when conditions.field = 'form_id' then events.form_id
        when conditions.field = 'currency' then events.currency
        when conditions.field = 'device_category' then events.device_category
        when conditions.field = 'country' then events.country
        when conditions.field = 'platform' then events.platform
        when conditions.field = 'transaction_id' then events.transaction_id
        when conditions.field = 'event_source' then events.event_source
        when conditions.field = 'event_medium' then events.event_medium
        when conditions.field = 'event_campaign' then events.event_campaign
        when conditions.field = 'hostname' then events.hostname
        when conditions.field = 'engagement_seconds' then case
        when events.engagement_seconds = floor(events.engagement_seconds) and abs(events.engagement_seconds) < 1e15
            then cast(try_cast(events.engagement_seconds as int64) as TEXT)
        else cast(events.engagement_seconds as TEXT)
    end
        when conditions.field = 'event_value' then case
        when events.event_value = floor(events.event_value) and abs(events.event_value) < 1e15
            then cast(try_cast(events.event_value as int64) as TEXT)
        else cast(events.event_value as TEXT)
    end
        when conditions.field = 'revenue_usd' then case
        when events.revenue_usd = floor(events.revenue_usd) and abs(events.revenue_usd) < 1e15
            then cast(try_cast(events.revenue_usd as int64) as TEXT)
        else cast(events.revenue_usd as TEXT)
    end
        when conditions.field = 'percent_scrolled' then cast(events.percent_scrolled as TEXT)
        when conditions.field = 'session_number' then cast(events.session_number as TEXT)
    end as field_text
    from events
    cross join conditions
    where conditions.event_name = '*'
        and strpos(conditions.field, ':') = 0

    union all

    select
        events.event_id,
        conditions.condition_number,
        case
        when starts_with(conditions.field, 'param:')
            then list_extract(
        list_transform(
            list_filter(events.event_params, lambda entry: entry.key = substr(conditions.field, 7)),
            lambda entry: coalesce(
        entry.value.string_value,
        cast(entry.value.int_value as TEXT),
        case
        when entry.value.double_value = floor(entry.value.double_value) and abs(entry.value.double_value) < 1e15
            then cast(try_cast(entry.value.double_value as int64) as TEXT)
        else cast(entry.value.double_value as TEXT)
    end,
        case
        when entry.value.float_value = floor(entry.value.float_value) and abs(entry.value.float_value) < 1e15
            then cast(try_cast(entry.value.float_value as int64) as TEXT)
        else cast(entry.value.float_value as TEXT)
    end
    )
        ), 1
    )
        when starts_with(conditions.field, 'user_property:')
            then list_extract(
        list_transform(
            list_filter(events.user_properties, lambda entry: entry.key = substr(conditions.field, 15)),
            lambda entry: coalesce(
        entry.value.string_value,
        cast(entry.value.int_value as TEXT),
        case
        when entry.value.double_value = floor(entry.value.double_value) and abs(entry.value.double_value) < 1e15
            then cast(try_cast(entry.value.double_value as int64) as TEXT)
        else cast(entry.value.double_value as TEXT)
    end,
        case
        when entry.value.float_value = floor(entry.value.float_value) and abs(entry.value.float_value) < 1e15
            then cast(try_cast(entry.value.float_value as int64) as TEXT)
        else cast(entry.value.float_value as TEXT)
    end
    )
        ), 1
    )
    end as field_text
    from events
    inner join conditions on conditions.event_name in (events.event_name, '*')
    where starts_with(conditions.field, 'param:')
        or starts_with(conditions.field, 'user_property:')

    union all

    select
        events.event_id,
        conditions.condition_number,
        case
        when conditions.field = 'item:item_id'
            then cast(item.item_id as TEXT)
        when conditions.field = 'item:item_name'
            then cast(item.item_name as TEXT)
        when conditions.field = 'item:item_brand'
            then cast(item.item_brand as TEXT)
        when conditions.field = 'item:item_variant'
            then cast(item.item_variant as TEXT)
        when conditions.field = 'item:item_category'
            then cast(item.item_category as TEXT)
        when conditions.field = 'item:item_category2'
            then cast(item.item_category2 as TEXT)
        when conditions.field = 'item:item_category3'
            then cast(item.item_category3 as TEXT)
        when conditions.field = 'item:item_category4'
            then cast(item.item_category4 as TEXT)
        when conditions.field = 'item:item_category5'
            then cast(item.item_category5 as TEXT)
        when conditions.field = 'item:price'
            then case
        when item.price = floor(item.price) and abs(item.price) < 1e15
            then cast(try_cast(item.price as int64) as TEXT)
        else cast(item.price as TEXT)
    end
        when conditions.field = 'item:quantity'
            then cast(item.quantity as TEXT)
        when conditions.field = 'item:item_revenue_in_usd'
            then case
        when item.item_revenue_in_usd = floor(item.item_revenue_in_usd) and abs(item.item_revenue_in_usd) < 1e15
            then cast(try_cast(item.item_revenue_in_usd as int64) as TEXT)
        else cast(item.item_revenue_in_usd as TEXT)
    end
        when conditions.field = 'item:coupon'
            then cast(item.coupon as TEXT)
        when conditions.field = 'item:item_list_name'
            then cast(item.item_list_name as TEXT)
        when conditions.field = 'item:promotion_name'
            then cast(item.promotion_name as TEXT)
    end as field_text
    from events
    inner join conditions on conditions.event_name in (events.event_name, '*')
    cross join unnest(events.items) as item_rows (item)
    where starts_with(conditions.field, 'item:')

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
    where coalesce(
        case conditions.operator
            when 'equals' then distinct_fields.field_text = conditions.value
            when 'not_equals' then distinct_fields.field_text <> conditions.value
            when 'contains' then strpos(distinct_fields.field_text, conditions.value) > 0
            when 'not_contains' then strpos(distinct_fields.field_text, conditions.value) = 0
            when 'starts_with' then starts_with(distinct_fields.field_text, conditions.value)
            when 'ends_with' then ends_with(distinct_fields.field_text, conditions.value)
            when 'matches' then regexp_matches(distinct_fields.field_text, conditions.value)
            when 'in'
                then strpos(distinct_fields.field_text, '|') = 0 and strpos('|' || conditions.value || '|', '|' || distinct_fields.field_text || '|') > 0
            when 'at_least' then case when isfinite(try_cast(distinct_fields.field_text as double)) then try_cast(distinct_fields.field_text as double) end >= conditions.value_number
            when 'at_most' then case when isfinite(try_cast(distinct_fields.field_text as double)) then try_cast(distinct_fields.field_text as double) end <= conditions.value_number
            when 'greater_than' then case when isfinite(try_cast(distinct_fields.field_text as double)) then try_cast(distinct_fields.field_text as double) end > conditions.value_number
            when 'less_than' then case when isfinite(try_cast(distinct_fields.field_text as double)) then try_cast(distinct_fields.field_text as double) end < conditions.value_number
            when 'is_set' then distinct_fields.field_text <> ''
            when 'is_not_set' then distinct_fields.field_text = ''
        end,
        false
    )

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

numbered_sessions as (

    -- Sorting by a number takes half the time of sorting by the text.
    select
        session_id,
        event_date,
        row_number() over (order by session_id, event_date) as session_day_number
    from events_of_pages
    group by session_id, event_date
    having max(case when is_match then 1 else 0 end) = 1

),

page_positions as (

    select
        events_of_pages.event_id,
        events_of_pages.is_match,
        numbered_sessions.session_day_number,
        events_of_pages.engaged_msec,
        events_of_pages.percent_scrolled,
        sum(events_of_pages.page_count) over (
            partition by numbered_sessions.session_day_number
            order by events_of_pages.event_timestamp, events_of_pages.event_order, events_of_pages.event_id
            rows between unbounded preceding and current row
        ) as page_of_day
    from events_of_pages
    inner join numbered_sessions
        on events_of_pages.session_id = numbered_sessions.session_id
        and events_of_pages.event_date = numbered_sessions.event_date

),

page_visits as (

    -- A page visit lasts from one page view of the session to the next, at most to the end of the day.
    select
        session_day_number,
        page_of_day,
        cast(sum(engaged_msec) as int64) as engaged_msec_on_page,
        max(percent_scrolled) as percent_scrolled_on_page
    from page_positions
    group by session_day_number, page_of_day

),

pages_of_matches as (

    select
        page_positions.event_id,
        page_positions.page_of_day,
        page_visits.engaged_msec_on_page,
        page_visits.percent_scrolled_on_page
    from page_positions
    inner join page_visits
        on page_positions.session_day_number = page_visits.session_day_number
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
            case when coalesce(events.currency, 'USD') = 'USD' then events.event_value end
        ) as event_value_usd,
        events.has_ads_consent
    from matches
    inner join events on matches.event_id = events.event_id
    left join pages_of_matches on matches.event_id = pages_of_matches.event_id

)

select * from int_conversion_events_matched