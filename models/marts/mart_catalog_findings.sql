with conversions as (

    select * from {{ ref("dim_conversions") }}

),

occurrences as (

    select
        conversion_name,
        cast(count(*) as int64) as conversion_count
    from {{ ref("int_conversions_counted") }}
    group by conversion_name

),

rules as (

    select * from {{ ref("conversion_rules") }}

),

event_names as (

    select
        event_name,
        cast(sum(event_count) as int64) as event_count,
        cast(sum(key_event_count) as int64) as key_event_count
    from {{ ref("int_event_names_counted") }}
    group by event_name

),

stages as (

    select * from {{ ref("funnel_stages") }}

),

all_events as (

    select sum(event_names.event_count) as event_count
    from event_names

),

automatic_events as (

    select * from {{ ref("automatic_events") }}

),

requirements as (

    select * from {{ ref("int_requirements_leveled") }}

),

too_many_micros as (

    select
        'too_many_micro_conversions' as check_name,
        'warning' as severity,
        supports as subject,
        cast(count(*) as int64) as measured,
        'The macro-conversion ' || supports || ' is supported by ' || cast(count(*) as {{ dbt.type_string() }})
        || ' micro-conversions; 5 to 7 can be acted on. Keep those that matter.' as message
    from conversions
    where conversion_type = 'micro'
    group by supports
    having count(*) > 7

),

stages_without_conversion as (

    select
        'stage_without_conversion' as check_name,
        'warning' as severity,
        stages.funnel_stage as subject,
        cast(0 as int64) as measured,
        'No conversion stands for the stage ' || stages.funnel_stage || ': what happens there is not seen.' as message
    from stages
    left join conversions on stages.funnel_stage = conversions.funnel_stage
    where conversions.conversion_name is null

),

conversions_that_never_occur as (

    select
        'conversion_never_occurs' as check_name,
        'warning' as severity,
        conversions.conversion_name as subject,
        cast(0 as int64) as measured,
        'The conversion ' || conversions.conversion_name
        || ' never occurs in the loaded days: check its rules and its tracking.' as message
    from conversions
    left join occurrences on conversions.conversion_name = occurrences.conversion_name
    where occurrences.conversion_name is null

),

events_nobody_catalogued as (

    select
        'event_not_catalogued' as check_name,
        case when event_names.key_event_count > 0 then 'warning' else 'info' end as severity,
        event_names.event_name as subject,
        event_names.event_count as measured,
        'The event ' || event_names.event_name || ' is in no rule'
        || case when event_names.key_event_count > 0 then ', though GA4 has it as a key event.' else '.' end as message
    from event_names
    left join rules on event_names.event_name = rules.event_name
    left join automatic_events on event_names.event_name = automatic_events.event_name
    cross join all_events
    where rules.event_name is null
        and automatic_events.event_name is null
        and (
            event_names.event_count >= {{ var("frequent_event_share") }} * all_events.event_count
            or event_names.key_event_count > 0
        )

),

milestones_of_events as (

    select
        counted.event_id,
        conversions.conversion_name
    from {{ ref("int_conversions_counted") }} as counted
    inner join conversions on counted.conversion_name = conversions.conversion_name
    where counted.is_counted
        and conversions.milestone_type = 'process_milestone'

),

events_of_two_milestones as (

    select
        'event_in_two_milestones' as check_name,
        'warning' as severity,
        one.conversion_name || ' and ' || other.conversion_name as subject,
        cast(count(*) as int64) as measured,
        'The same event counts as ' || one.conversion_name || ' and as ' || other.conversion_name || ', '
        || cast(count(*) as {{ dbt.type_string() }})
        || ' times: a step that happens with another one shows no drop-off. Make their rules exclude each other.'
            as message
    from milestones_of_events as one
    inner join milestones_of_events as other
        on one.event_id = other.event_id
        and one.conversion_name < other.conversion_name
    group by one.conversion_name, other.conversion_name

),

left_undone as (

    -- What stands for something that did not follow is no vanity figure for that.
    select distinct conversion_name
    from requirements
    where is_timed

),

visitors_who_did as (

    select
        visitor_id,
        conversion_name,
        conversion_type,
        min(event_timestamp) as first_timestamp,
        max(event_timestamp) as last_timestamp
    from {{ ref("int_conversions_counted") }}
    where is_counted
        and exclusion_reason is null
        and visitor_id is not null
    group by visitor_id, conversion_name, conversion_type

),

visitors_who_converted as (

    select
        visitor_id,
        max(last_timestamp) as last_timestamp
    from visitors_who_did
    where conversion_type = 'macro'
    group by visitor_id

),

micros_that_nothing_follows as (

    select
        'micro_never_followed' as check_name,
        'warning' as severity,
        did.conversion_name as subject,
        cast(count(*) as int64) as measured,
        cast(count(*) as {{ dbt.type_string() }}) || ' visitors did ' || did.conversion_name
        || ', and no macro-conversion followed for any of them: it may be a vanity figure, or its event comes too late.'
            as message
    from visitors_who_did as did
    left join visitors_who_converted as converted on did.visitor_id = converted.visitor_id
    left join left_undone on did.conversion_name = left_undone.conversion_name
    where did.conversion_type = 'micro'
        and left_undone.conversion_name is null
    group by did.conversion_name
    having count(*) >= {{ var("minimum_group_size") }}
        and max(case when converted.last_timestamp > did.first_timestamp then 1 else 0 end) = 0

),

mart_catalog_findings as (

    select * from events_of_two_milestones
    union all
    select * from micros_that_nothing_follows
    union all
    select * from too_many_micros
    union all
    select * from stages_without_conversion
    union all
    select * from conversions_that_never_occur
    union all
    select * from events_nobody_catalogued

)

select * from mart_catalog_findings
