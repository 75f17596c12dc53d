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

mart_catalog_findings as (

    select * from too_many_micros
    union all
    select * from stages_without_conversion
    union all
    select * from conversions_that_never_occur
    union all
    select * from events_nobody_catalogued

)

select * from mart_catalog_findings
