{{ config(materialized="view") }}

with definitions as (

    select
        *,
        within_days * 86400000000 as within_micros
    from {{ ref("kpi_definitions") }}
    where unit = 'visitor'
        and denominator <> 'all'

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted
        and exclusion_reason is null
        and visitor_id is not null

),

sessions as (

    select
        *,
        {{ micros_of_timestamp("started_at") }} as started_timestamp
    from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

visits as (

    select
        visitor_id,
        session_id,
        session_date,
        started_timestamp,
        is_new_visitor,
        row_number() over (partition by visitor_id order by started_timestamp, session_id) as visit_number
    from sessions

),

visits_of_new_visitors as (

    -- Of visitors whose first visit is in the loaded days: that one and the next.
    select
        visits.*,
        first_visits.started_timestamp as first_visit_timestamp
    from visits
    inner join visits as first_visits on visits.visitor_id = first_visits.visitor_id
    where first_visits.visit_number = 1
        and first_visits.is_new_visitor
        and visits.visit_number <= 2

),

first_conversions as (

    select
        visitor_id,
        conversion_name,
        session_id,
        conversion_date,
        event_timestamp
    from conversions
    qualify row_number() over (
        partition by visitor_id, conversion_name
        order by event_timestamp, event_order, conversion_event_id
    ) = 1

),

anchors as (

    -- From when on a visitor is watched: once per KPI, so that weeks add up.
    select
        definitions.kpi_name,
        definitions.numerator,
        definitions.within_micros,
        first_conversions.visitor_id,
        first_conversions.session_id,
        first_conversions.conversion_date as anchor_date,
        first_conversions.event_timestamp as anchor_timestamp
    from definitions
    inner join first_conversions on definitions.denominator = first_conversions.conversion_name

    union all

    select
        definitions.kpi_name,
        definitions.numerator,
        definitions.within_micros,
        visits.visitor_id,
        visits.session_id,
        visits.session_date as anchor_date,
        visits.started_timestamp as anchor_timestamp
    from definitions
    inner join visits_of_new_visitors as visits
        on (definitions.denominator = 'new_visitors' and visits.visit_number = 1)
        or (
            starts_with(definitions.denominator, 'return:')
            and visits.visit_number = 2
            and visits.started_timestamp - visits.first_visit_timestamp
            <= {{ safe_cast_to("substr(definitions.denominator, 8)", "int64") }} * 86400000000
        )

),

happenings as (

    select
        visitor_id,
        conversion_name as happening,
        session_id,
        event_timestamp as happened_timestamp
    from conversions

    union all

    select
        visitor_id,
        'return' as happening,
        session_id,
        started_timestamp as happened_timestamp
    from visits

),

outcomes as (

    -- At the anchor's own moment counts, and so does the last microsecond of the time; a visit is no return to itself.
    select
        anchors.kpi_name,
        anchors.visitor_id,
        count(*) as happening_count,
        count(distinct happenings.happening) as kind_count,
        min(happenings.happened_timestamp - anchors.anchor_timestamp) as first_after_micros
    from anchors
    inner join happenings
        on anchors.visitor_id = happenings.visitor_id
        and strpos('|' || anchors.numerator || '|', '|' || happenings.happening || '|') > 0
        and anchors.anchor_timestamp <= happenings.happened_timestamp
        and anchors.anchor_timestamp + anchors.within_micros >= happenings.happened_timestamp
    where happenings.happening <> 'return'
        or anchors.session_id is null
        or happenings.session_id <> anchors.session_id
    group by anchors.kpi_name, anchors.visitor_id

),

int_kpi_visitors_measured as (

    select
        anchors.kpi_name,
        anchors.visitor_id,
        anchors.session_id,
        anchors.anchor_date as unit_date,
        {{ day_is_mature("anchors.anchor_date", "anchors.within_micros", "as_of.as_of_timestamp") }} as is_mature,
        cast(coalesce(outcomes.happening_count, 0) as int64) as happening_count,
        cast(coalesce(outcomes.kind_count, 0) as int64) as kind_count,
        outcomes.first_after_micros / 86400000000.0 as days_until
    from anchors
    cross join as_of
    left join outcomes
        on anchors.kpi_name = outcomes.kpi_name
        and anchors.visitor_id = outcomes.visitor_id

)

select * from int_kpi_visitors_measured
