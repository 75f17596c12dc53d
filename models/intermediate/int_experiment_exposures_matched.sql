{{
    config(
        materialized="incremental",
        incremental_strategy="replace",
        meta={"replaces": "open_dates"},
        partition_by=bigquery_only({"field": "event_date", "data_type": "date"}),
        cluster_by=bigquery_only(["experiment_name"]),
    )
}}

{%- set dates = open_dates() %}
{%- set longest_name = 100 %}
{%- set told_apart = [
    "event_date", "property_id", "source_name", "rejection_reason", "experiment_name", "variant_name", "user_pseudo_id",
    "user_id_hash", "session_id"
] %}

with events as {{ not_materialized() }} (

    select * from {{ ref("stg_ga4__events") }}
    {%- if is_incremental() %}
    where event_date in ({{ dates }})
    {%- endif %}

),

experiment_events as (

    select * from {{ ref("experiment_events") }}

),

exposure_events as (

    -- By themselves, so that parameters are read only where there is an exposure at all.
    select
        events.event_id,
        experiment_events.source_name,
        experiment_events.experiment_field,
        experiment_events.variant_field,
        experiment_events.combined_field
    from events
    inner join experiment_events on events.event_name = experiment_events.event_name

),

raw_exposures as (

    select
        events.event_id,
        events.event_name,
        events.property_id,
        events.event_date,
        events.event_timestamp,
        events.user_pseudo_id,
        events.user_id_hash,
        events.session_id,
        exposure_events.source_name,
        exposure_events.combined_field is not null as is_combined,
        {{ without_spaces_around(event_text("events", "exposure_events.combined_field")) }} as raw_combined,
        {{ without_spaces_around(event_text("events", "exposure_events.experiment_field")) }} as raw_experiment,
        {{ without_spaces_around(event_text("events", "exposure_events.variant_field")) }} as raw_variant
    from exposure_events
    inner join events on exposure_events.event_id = events.event_id

),

split_exposures as (

    -- In tool-experiment-variant the variant is what stands after the last hyphen.
    select
        *,
        coalesce(raw_combined, '') || coalesce(raw_experiment, '') || coalesce(raw_variant, '') as said,
        case
            when is_combined then {{ regexp_group("raw_combined", "^([^-]+-.+)-[^-]+$") }}
            else {{ clean_text("raw_experiment") }}
        end as said_experiment,
        case
            when is_combined then {{ regexp_group("raw_combined", "^[^-]+-.+-([^-]+)$") }}
            else {{ clean_text("raw_variant") }}
        end as said_variant
    from raw_exposures

),

judged_exposures as (

    -- Whoever can send an event decides what stands in it: what is no plain name is no experiment.
    select
        *,
        case
            when said = '' then 'nothing_said'
            when {{ regexp_found("said", "'[[:cntrl:]]'") }} then 'control_characters'
            when strpos(said, '(redacted)') > 0 then 'personal_data'
            when strpos(said, '(not set)') > 0 or strpos(said, '(data deleted)') > 0 then 'placeholder'
            when is_combined and not {{ regexp_found(
                "raw_combined", "'^[^-]*[^- ][^-]*-.*[^- ].*-[^-]*[^- ][^-]*$'"
            ) }} then 'not_three_parts'
            when said_experiment is null then 'no_experiment'
            when said_variant is null then 'no_variant'
            when greatest(length(said_experiment), length(said_variant)) > {{ longest_name }} then 'too_long'
        end as rejection_reason
    from split_exposures

),

named_exposures as (

    -- Of what names no experiment only the number is of interest, not whose it was.
    select
        event_id,
        event_name,
        property_id,
        event_date,
        event_timestamp,
        source_name,
        rejection_reason,
        case when rejection_reason is null then said_experiment end as experiment_name,
        case when rejection_reason is null then said_variant end as variant_name,
        case when rejection_reason is null then user_pseudo_id end as user_pseudo_id,
        case when rejection_reason is null and user_pseudo_id is not null then user_id_hash end as user_id_hash,
        case when rejection_reason is null and user_pseudo_id is not null then session_id end as session_id
    from judged_exposures

),

counted_exposures as (

    select
        *,
        count(*) over (partition by {{ told_apart | join(", ") }}) as event_count,
        row_number() over (
            partition by {{ told_apart | join(", ") }}
            order by event_timestamp, event_id
        ) as exposure_of_day
    from named_exposures

),

int_experiment_exposures_matched as (

    select
        event_id || '/' || source_name as experiment_exposure_id,
        source_name,
        event_id,
        event_name,
        property_id,
        event_date,
        event_timestamp,
        experiment_name,
        variant_name,
        rejection_reason,
        user_pseudo_id,
        user_id_hash,
        session_id,
        cast(event_count as int64) as event_count
    from counted_exposures
    where exposure_of_day = 1

)

select * from int_experiment_exposures_matched
