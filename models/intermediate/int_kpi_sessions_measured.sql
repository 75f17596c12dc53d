{{ config(materialized="view") }}

with definitions as (

    select * from {{ ref("kpi_definitions") }}
    where unit = 'session'

),

conversions as (

    select * from {{ ref("int_conversions_counted") }}
    where is_counted
        and exclusion_reason is null
        and session_id is not null

),

sessions as (

    select * from {{ ref("fct_sessions") }}
    where exclusion_reason is null

),

asked_sessions as (

    -- What a definition asks of sessions themselves; `pages:<n>` and `engaged`.
    select distinct asked
    from (
        select numerator as asked from definitions
        union all
        select denominator as asked from definitions
    ) as both_sides
    where asked = 'engaged' or starts_with(asked, 'pages:')

),

happenings_of_sessions as (

    select
        conversion_name as happening,
        session_id,
        cast(count(*) as int64) as happening_count
    from conversions
    group by conversion_name, session_id

    union all

    select
        asked_sessions.asked as happening,
        sessions.session_id,
        cast(1 as int64) as happening_count
    from sessions
    inner join asked_sessions
        on (asked_sessions.asked = 'engaged' and sessions.is_engaged)
        or (
            starts_with(asked_sessions.asked, 'pages:')
            and sessions.page_view_count >= {{ safe_cast_to("substr(asked_sessions.asked, 7)", "int64") }}
        )

),

session_bases as (

    select
        definitions.kpi_name,
        happenings_of_sessions.session_id
    from definitions
    inner join happenings_of_sessions on definitions.denominator = happenings_of_sessions.happening

),

session_numerators as (

    select
        definitions.kpi_name,
        happenings_of_sessions.session_id,
        sum(happenings_of_sessions.happening_count) as happening_count,
        count(*) as kind_count
    from definitions
    inner join happenings_of_sessions
        on strpos('|' || definitions.numerator || '|', '|' || happenings_of_sessions.happening || '|') > 0
    group by definitions.kpi_name, happenings_of_sessions.session_id

),

measured as (

    -- Without a base where every session is one: those are counted as a whole.
    select
        coalesce(session_bases.kpi_name, session_numerators.kpi_name) as kpi_name,
        coalesce(session_bases.session_id, session_numerators.session_id) as session_id,
        session_bases.session_id is not null as is_base,
        coalesce(session_numerators.happening_count, 0) as happening_count,
        coalesce(session_numerators.kind_count, 0) as kind_count
    from session_bases
    full outer join session_numerators
        on session_bases.kpi_name = session_numerators.kpi_name
        and session_bases.session_id = session_numerators.session_id

),

int_kpi_sessions_measured as (

    select
        measured.kpi_name,
        sessions.visitor_id,
        measured.session_id,
        sessions.session_date as unit_date,
        measured.is_base,
        cast(measured.happening_count as int64) as happening_count,
        cast(measured.kind_count as int64) as kind_count
    from measured
    inner join sessions on measured.session_id = sessions.session_id
    inner join definitions on measured.kpi_name = definitions.kpi_name
    where measured.is_base
        or definitions.denominator = 'all'
        or definitions.measure = 'times'

)

select * from int_kpi_sessions_measured
