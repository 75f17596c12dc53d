{{
    config(
        cluster_by=bigquery_only(["funnel_name", "action_kind"]),
    )
}}

{%- set most_actions = var("largest_segments") | int %}

with drops as (

    select * from {{ ref("int_funnel_drops") }}

),

followed_conversions as (

    select * from {{ ref("int_conversions_followed") }}

),

sessions as (

    select * from {{ ref("fct_sessions") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

described_drops as (

    select
        drops.funnel_name,
        drops.step_number,
        case
            when drops.reached_session_id is not null
                then coalesce(followed_conversions.next_conversion_in_session, '(none)')
            else '(no session)'
        end as next_conversion_in_session,
        case
            when followed_conversions.next_conversion_timestamp <= drops.window_end_timestamp
                then followed_conversions.next_conversion_of_visitor
            else '(none)'
        end as next_conversion_in_window,
        case
            when drops.reached_session_id is not null
                then coalesce(followed_conversions.next_page_in_session, '(none)')
            else '(no session)'
        end as next_page_in_session,
        case
            when followed_conversions.next_page_timestamp <= drops.window_end_timestamp
                then followed_conversions.next_page_of_visitor
            else '(none)'
        end as next_page_in_window,
        coalesce(sessions.landing_page_path, '(unknown)') as entry_page,
        coalesce(sessions.exit_page_path, '(unknown)') as exit_page
    from drops
    left join followed_conversions
        on drops.visitor_id = followed_conversions.visitor_id
        and drops.reached_event_id = followed_conversions.event_id
        and drops.reached_timestamp = followed_conversions.event_timestamp
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
