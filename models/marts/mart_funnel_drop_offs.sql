{{
    config(
        cluster_by=bigquery_only(["funnel_name", "action_kind"]),
    )
}}

{%- set most_actions = var("largest_segments") | int %}

with drops as (

    select * from {{ ref("int_funnel_drops") }}

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where exclusion_reason is null

),

page_views as (

    select * from {{ ref("int_page_views") }}

),

sessions as (

    select * from {{ ref("fct_sessions") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

dropped_visitors as (

    select distinct visitor_id
    from drops

),

conversion_events as (

    -- An event that is several conversions is called by the first of their names. What was not done in some days
    -- happens at a later moment than its event: the two together are a moment.
    select
        conversions.visitor_id,
        conversions.session_id,
        conversions.event_id,
        conversions.event_timestamp,
        conversions.event_order,
        min(conversions.conversion_name) as conversion_name
    from conversions
    inner join dropped_visitors on conversions.visitor_id = dropped_visitors.visitor_id
    group by
        conversions.visitor_id,
        conversions.session_id,
        conversions.event_id,
        conversions.event_timestamp,
        conversions.event_order

),

followed_conversions as (

    select
        visitor_id,
        event_id,
        event_timestamp,
        lead(conversion_name) over (
            partition by visitor_id, session_id
            order by event_timestamp, event_order, event_id
        ) as next_of_session,
        lead(conversion_name) over visitor_events as next_of_visitor,
        lead(event_timestamp) over visitor_events as next_timestamp
    from conversion_events
    window visitor_events as (
        partition by visitor_id
        order by event_timestamp, event_order, event_id
    )

),

page_moments as (

    select
        sessions.visitor_id,
        page_views.session_id,
        page_views.event_timestamp,
        page_views.event_order,
        page_views.event_id,
        page_views.page_path
    from page_views
    inner join sessions on page_views.session_id = sessions.session_id
    inner join dropped_visitors on sessions.visitor_id = dropped_visitors.visitor_id

    union all

    select
        visitor_id,
        session_id,
        event_timestamp,
        event_order,
        event_id,
        cast(null as {{ dbt.type_string() }}) as page_path
    from conversion_events

),

followed_pages as (

    select
        visitor_id,
        event_id,
        event_timestamp,
        page_path,
        first_value(page_path ignore nulls) over (
            partition by visitor_id, session_id
            order by event_timestamp, event_order, event_id
            rows between 1 following and unbounded following
        ) as next_of_session,
        first_value(page_path ignore nulls) over visitor_events as next_of_visitor,
        first_value(case when page_path is not null then event_timestamp end ignore nulls) over visitor_events
            as next_timestamp
    from page_moments
    window visitor_events as (
        partition by visitor_id
        order by event_timestamp, event_order, event_id
        rows between 1 following and unbounded following
    )

),

next_pages as (

    select * from followed_pages
    where page_path is null

),

described_drops as (

    select
        drops.funnel_name,
        drops.step_number,
        case
            when drops.reached_session_id is not null then coalesce(followed_conversions.next_of_session, '(none)')
            else '(no session)'
        end as next_conversion_in_session,
        case
            when followed_conversions.next_timestamp <= drops.window_end_timestamp
                then followed_conversions.next_of_visitor
            else '(none)'
        end as next_conversion_in_window,
        case
            when drops.reached_session_id is not null then coalesce(next_pages.next_of_session, '(none)')
            else '(no session)'
        end as next_page_in_session,
        case
            when next_pages.next_timestamp <= drops.window_end_timestamp then next_pages.next_of_visitor
            else '(none)'
        end as next_page_in_window,
        coalesce(sessions.landing_page_path, '(unknown)') as entry_page,
        coalesce(sessions.exit_page_path, '(unknown)') as exit_page
    from drops
    left join followed_conversions
        on drops.visitor_id = followed_conversions.visitor_id
        and drops.reached_event_id = followed_conversions.event_id
        and drops.reached_timestamp = followed_conversions.event_timestamp
    left join next_pages
        on drops.visitor_id = next_pages.visitor_id
        and drops.reached_event_id = next_pages.event_id
        and drops.reached_timestamp = next_pages.event_timestamp
    left join sessions on drops.reached_session_id = sessions.session_id

),

actions as (

    {{ row_per_variant("described_drops", ["funnel_name", "step_number"], [
        {"action_kind": "'next_conversion_in_session'", "action_name": "next_conversion_in_session"},
        {"action_kind": "'next_conversion_in_window'", "action_name": "next_conversion_in_window"},
        {"action_kind": "'next_page_in_session'", "action_name": "next_page_in_session"},
        {"action_kind": "'next_page_in_window'", "action_name": "next_page_in_window"},
        {"action_kind": "'entry_page'", "action_name": "entry_page"},
        {"action_kind": "'exit_page'", "action_name": "exit_page"},
    ]) }}

),

ranked_actions as (

    select
        funnel_name,
        step_number,
        action_kind,
        action_name,
        count(*) as drop_count,
        row_number() over (
            partition by funnel_name, step_number, action_kind
            order by count(*) desc, action_name
        ) as action_rank
    from actions
    group by funnel_name, step_number, action_kind, action_name

),

kept_actions as (

    select
        funnel_name,
        step_number,
        action_kind,
        case when action_rank <= {{ most_actions }} then action_name else '(other)' end as action_name,
        cast(sum(drop_count) as int64) as drop_count
    from ranked_actions
    group by
        funnel_name,
        step_number,
        action_kind,
        case when action_rank <= {{ most_actions }} then action_name else '(other)' end

),

totals as (

    select
        *,
        cast(sum(drop_count) over (partition by funnel_name, step_number, action_kind) as int64) as drop_off_count
    from kept_actions

),

mart_funnel_drop_offs as (

    select
        totals.funnel_name,
        totals.step_number,
        funnel_steps.conversion_name,
        funnel_steps.step_label,
        totals.action_kind,
        totals.action_name,
        totals.drop_count,
        totals.drop_off_count,
{{ rate_columns("totals.drop_count", "totals.drop_off_count", "share") }}
    from totals
    inner join funnel_steps
        on totals.funnel_name = funnel_steps.funnel_name
        and totals.step_number = funnel_steps.step_number

)

select * from mart_funnel_drop_offs
