{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "changed_visitors", "replaces_by": "visitor_id"},
        partition_by=bigquery_only({"field": "conversion_date", "data_type": "date"}),
        cluster_by=bigquery_only(["conversion_name", "visitor_id"]),
    )
}}

{%- set dates = open_dates() %}
-- depends_on: {{ ref("int_visitors_changed") }}

with stitched as (

    -- Ingredients are in int_conversions_required, for derived conversions, and count nowhere by themselves.
    select * from {{ ref("int_conversions_stitched") }}

),

derived as (

    select * from {{ ref("int_conversions_derived") }}
    {%- if is_incremental() %}
    where visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

),

required as (

    select * from {{ ref("int_conversions_required") }}

),

catalog as (

    select * from {{ ref("conversion_catalog") }}

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

session_days as (

    select
        session_id,
        event_date,
        sum(page_view_count) over (
            partition by session_id
            order by event_date
            rows between unbounded preceding and 1 preceding
        ) as pages_before_day
    from {{ ref("int_session_days") }}
    where session_id is not null

),

all_conversions as (

    select
        conversion_event_id,
        conversion_name,
        conversion_type,
        counting,
        visitor_id,
        user_pseudo_id,
        session_id,
        event_id,
        event_name,
        property_id,
        event_timestamp,
        event_order,
        event_date,
        event_date as conversion_date,
        session_number,
        session_started_timestamp,
        page_path,
        engaged_seconds_on_page,
        percent_scrolled_on_page,
        page_of_day,
        is_first_session,
        exclusion_reason,
        transaction_id,
        value_usd,
        revenue_usd
    from stitched
    where conversion_type <> 'ingredient'
    {%- if is_incremental() %}
        and (
            visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
            or (visitor_id is null and (transaction_id is not null or event_date in ({{ dates }})))
        )
    {%- endif %}

    union all

    -- What the event that completed a derived conversion was, at the moment it was complete. What completes
    -- by time is not known before that time.
    select
        derived.conversion_event_id,
        derived.conversion_name,
        catalog.conversion_type,
        catalog.counting,
        derived.visitor_id,
        required.user_pseudo_id,
        required.session_id,
        required.event_id,
        required.event_name,
        required.property_id,
        derived.completed_timestamp as event_timestamp,
        required.event_order,
        required.event_date,
        derived.completed_date as conversion_date,
        required.session_number,
        required.session_started_timestamp,
        required.page_path,
        required.engaged_seconds_on_page,
        required.percent_scrolled_on_page,
        required.page_of_day,
        required.is_first_session,
        cast(null as {{ dbt.type_string() }}) as exclusion_reason,
        cast(null as {{ dbt.type_string() }}) as transaction_id,
        case
            when starts_with(catalog.value_rule, 'fixed:')
                then {{ safe_cast_to("substr(catalog.value_rule, 7)", type_float64()) }}
        end as value_usd,
        cast(null as {{ type_float64() }}) as revenue_usd
    from derived
    inner join required on derived.completing_conversion_event_id = required.conversion_event_id
    inner join catalog on derived.conversion_name = catalog.conversion_name
    cross join as_of
    where derived.completed_timestamp < as_of.as_of_timestamp
        and catalog.conversion_type <> 'ingredient'

),

conversions_to_decide as (

    select
        all_conversions.*,
        cast(all_conversions.page_of_day + coalesce(session_days.pages_before_day, 0) as int64) as page_depth
    from all_conversions
    left join session_days
        on all_conversions.session_id = session_days.session_id
        and all_conversions.event_date = session_days.event_date

),

{{ first_occurrences("conversions_to_decide") }},

judged as (

    select
        conversions_to_decide.*,
        first_occurrences.conversion_event_id is not null as is_counted
    from conversions_to_decide
    left join first_occurrences
        on conversions_to_decide.conversion_event_id = first_occurrences.conversion_event_id

),

sequenced as (

    select
        conversion_event_id,
        row_number() over (
            partition by visitor_id, conversion_name
            order by event_timestamp, event_order, conversion_event_id
        ) as occurrence_number,
        max(case when conversion_type = 'micro' then event_timestamp end) over (
            partition by visitor_id
            order by event_timestamp, event_order, conversion_event_id
            rows between unbounded preceding and 1 preceding
        ) as previous_micro_timestamp
    from judged
    where is_counted
        and visitor_id is not null

),

int_conversions_counted as (

    select
        judged.conversion_event_id,
        judged.conversion_name,
        judged.conversion_type,
        judged.visitor_id,
        judged.user_pseudo_id,
        judged.session_id,
        judged.event_id,
        judged.event_name,
        judged.property_id,
        judged.event_timestamp,
        judged.event_order,
        {{ timestamp_from_micros("judged.event_timestamp") }} as occurred_at,
        judged.conversion_date,
        judged.session_number,
        judged.page_path,
        judged.engaged_seconds_on_page,
        judged.percent_scrolled_on_page,
        judged.page_depth,
        judged.is_first_session,
        (judged.event_timestamp - judged.session_started_timestamp) / 1000000.0 as seconds_since_session_start,
        (judged.event_timestamp - sequenced.previous_micro_timestamp) / 1000000.0 as seconds_since_previous_conversion,
        sequenced.occurrence_number,
        judged.value_usd,
        judged.transaction_id,
        judged.revenue_usd,
        judged.exclusion_reason,
        judged.is_counted
    from judged
    left join sequenced on judged.conversion_event_id = sequenced.conversion_event_id

)

select * from int_conversions_counted
