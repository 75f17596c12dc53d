{#- The CTEs that end in `completed_<level>`: the derived conversions of one level, from the CTE `known`, which holds
    what counts of the levels before. See the macro known_after for the columns. -#}
{% macro derived_level(level, known) -%}
{%- set window = ["conversion_name", "visitor_id", "window_key"] | join(", ") -%}
{%- set columns = "('', 'page_path', 'event_name', 'session_id', 'conversion_date')" -%}
playing_{{ level }} as (

    -- Each occurrence in every part that it plays: as an anchor, as what must and as what must not be done.
    -- Events of one moment follow the export's order, then the event's id.
    select
        requirements.conversion_name as derived_name,
        requirements.requirement_number,
        requirements.role,
        requirements.at_least,
        requirements.distinct_by,
        requirements.opened_by,
        requirements.is_opening,
        requirements.is_within_session,
        requirements.window_micros,
        requirements.done_count,
        requirements.is_timed,
        requirements.counting,
        positions.*
    from (
        select
            *,
            dense_rank() over (
                partition by visitor_id
                order by event_timestamp, event_order, event_id
            ) as position
        from {{ known }}
    ) as positions
    inner join requirements on positions.conversion_name = requirements.needed_name
    where requirements.level_number = {{ level }}
        and {{ quality_holds("positions", "requirements") }}

),

windows_{{ level }} as (

    select
        opened.*,
        case
            when is_within_session
                then session_ended_timestamp + {{ var("session_timeout_minutes") }} * cast(60000000 as int64)
            else opened_timestamp + window_micros
        end as closes_timestamp
    from (
        select distinct
            derived_name as conversion_name,
            visitor_id,
            case
                when opened_by = 'session' then session_id
                when opened_by in ('first_visit', 'history') then visitor_id
                else conversion_event_id
            end as window_key,
            case when opened_by in ('anchor', 'required') then position else 0 end as opened_position,
            case
                when opened_by = 'first_visit' then first_visit_timestamp
                when opened_by in ('anchor', 'required') then event_timestamp
                else cast(0 as int64)
            end as opened_timestamp,
            case when is_within_session then session_id end as window_session_id,
            case when is_within_session then session_ended_timestamp end as session_ended_timestamp,
            is_within_session,
            window_micros,
            done_count,
            is_timed,
            counting
        from playing_{{ level }}
        where is_opening
    ) as opened
    where opened_timestamp is not null
        and (window_session_id is not null or not is_within_session)

),

timed_windows_{{ level }} as (

    -- What was begun again before the time was over is not over yet: the last beginning counts.
    select *
    from windows_{{ level }}
    qualify not is_timed
        or coalesce(
            lead(opened_timestamp) over (
                partition by conversion_name, visitor_id, coalesce(window_session_id, '')
                order by opened_position, window_key
            ) > closes_timestamp,
            true
        )

),

counted_values_{{ level }} as (

    select
        playing.*,
        case playing.distinct_by
            when '' then playing.conversion_event_id
            when 'page_path' then playing.page_path
            when 'event_name' then playing.event_name
            when 'session_id' then playing.session_id
            when 'conversion_date' then cast(playing.event_date as {{ dbt.type_string() }})
        end as counted_value
    from playing_{{ level }} as playing
    where playing.role <> 'anchor'
        and playing.distinct_by in {{ columns }}

    union all

    select
        playing.*,
        field_and_value as counted_value
    from playing_{{ level }} as playing
    cross join {{ unnest_as("playing.distinct_values", "field_and_value") }}
    where playing.role <> 'anchor'
        and playing.distinct_by not in {{ columns }}
        and starts_with(field_and_value, playing.distinct_by || '=')

),

first_values_{{ level }} as (

    -- A window holds an occurrence from its opening event on, to the last microsecond; each value once.
    select
        windows.conversion_name,
        windows.visitor_id,
        windows.window_key,
        windows.closes_timestamp,
        windows.done_count,
        windows.is_timed,
        windows.counting,
        counted_values.requirement_number,
        counted_values.role,
        counted_values.at_least,
        counted_values.counted_value,
        counted_values.position,
        counted_values.completing_conversion_event_id,
        counted_values.event_id,
        counted_values.event_timestamp,
        counted_values.event_date
    from timed_windows_{{ level }} as windows
    inner join counted_values_{{ level }} as counted_values
        on windows.conversion_name = counted_values.derived_name
        and windows.visitor_id = counted_values.visitor_id
    where counted_values.counted_value <> ''
        and counted_values.position >= windows.opened_position
        and counted_values.event_timestamp >= windows.opened_timestamp
        and counted_values.event_timestamp <= coalesce(windows.closes_timestamp, counted_values.event_timestamp)
        and (not windows.is_within_session or counted_values.session_id = windows.window_session_id)
    qualify row_number() over (
        partition by
            windows.conversion_name, windows.visitor_id, windows.window_key,
            counted_values.requirement_number, counted_values.counted_value
        order by counted_values.position, counted_values.conversion_event_id
    ) = 1

),

fulfilled_{{ level }} as (

    select *
    from first_values_{{ level }}
    qualify row_number() over (
        partition by {{ window }}, requirement_number
        order by position, counted_value
    ) = at_least

),

completed_windows_{{ level }} as (

    -- The event that fulfilled the last of what must be done.
    select
        event_id || '/' || conversion_name as conversion_event_id,
        conversion_name,
        visitor_id,
        completing_conversion_event_id,
        case when is_timed then closes_timestamp else event_timestamp end as completed_timestamp,
        case when is_timed then {{ local_date("closes_timestamp") }} else event_date end as completed_date,
        counting,
        window_key
    from fulfilled_{{ level }}
    qualify sum(case when role = 'done' then 1 else 0 end) over (partition by {{ window }}) = done_count
        and sum(case when role = 'not_done' then 1 else 0 end) over (partition by {{ window }}) = 0
        and row_number() over (
            partition by {{ window }}
            order by case when role = 'done' then 0 else 1 end, position desc, completing_conversion_event_id
        ) = 1

),

completed_{{ level }} as (

    -- An event completes a derived conversion once, however many windows it lies in.
    select *
    from completed_windows_{{ level }}
    qualify row_number() over (
        partition by conversion_event_id
        order by completed_timestamp, completing_conversion_event_id, window_key
    ) = 1

)
{%- endmacro %}

{#- The CTE `known_<level>`: what counts of the levels before and of this one. -#}
{% macro known_after(level, known) -%}
known_{{ level }} as (

    select *
    from {{ known }}

    union all

    select
        completed.conversion_event_id,
        completed.conversion_name,
        completed.visitor_id,
        completed.completing_conversion_event_id,
        required.event_id,
        required.event_name,
        required.session_id,
        completed.completed_timestamp as event_timestamp,
        required.event_order,
        completed.completed_date as event_date,
        required.session_number,
        required.session_started_timestamp,
        required.session_ended_timestamp,
        required.first_visit_timestamp,
        required.page_path,
        required.engaged_seconds_on_page,
        required.percent_scrolled_on_page,
        required.distinct_values
    from completed_{{ level }} as completed
    inner join required on completed.completing_conversion_event_id = required.conversion_event_id
    qualify row_number() over (
        partition by
            completed.conversion_name,
            case completed.counting
                when 'once_per_visitor' then completed.visitor_id
                when 'once_per_session' then coalesce(required.session_id, completed.conversion_event_id)
                else completed.conversion_event_id
            end
        order by completed.completed_timestamp, required.event_order, completed.conversion_event_id
    ) = 1

)
{%- endmacro %}

{#- Whether an occurrence meets the condition that a requirement puts on its quality; an unknown quality does not. -#}
{% macro quality_holds(occurrence, requirement) -%}
    {%- set number -%}
        case {{ requirement }}.field
            when 'engaged_seconds_on_page' then {{ occurrence }}.engaged_seconds_on_page
            when 'percent_scrolled_on_page' then {{ occurrence }}.percent_scrolled_on_page
            when 'session_number' then {{ occurrence }}.session_number
            when 'seconds_since_session_start'
                then ({{ occurrence }}.event_timestamp - {{ occurrence }}.session_started_timestamp) / 1000000.0
        end
    {%- endset -%}
    coalesce(
        case {{ requirement }}.operator
            when '' then true
            when 'at_least' then {{ number }} >= {{ requirement }}.value_number
            when 'at_most' then {{ number }} <= {{ requirement }}.value_number
            when 'greater_than' then {{ number }} > {{ requirement }}.value_number
            when 'less_than' then {{ number }} < {{ requirement }}.value_number
        end,
        false
    )
{%- endmacro %}
