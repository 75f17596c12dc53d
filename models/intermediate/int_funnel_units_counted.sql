{#- By day, week and all; which session gives a unit its segments is named in segment_attribution. -#}
{%- set dimensions = session_segments("sessions") | list %}
{%- set masks = ["reached_mask", "continued_mask", "excluded_mask"] %}
{%- set counted_columns = ["funnel_name", "period_grain", "period_start_date"] + masks %}
{%- set attributions = var("funnel_attributions") %}
{%- set single_variants, pair_variants = [], [] %}
{%- for segment in segment_variants() %}
    {%- do (pair_variants if segment["is_pair"] else single_variants).append({
        "dimension_number": segment["dimension_number"], "segment_number": segment["number"]
    }) %}
{%- endfor %}
-- depends_on: {{ ref("fct_sessions") }}

with unit_days as (

    select * from {{ ref("int_funnel_unit_days") }}

),

attempts as (

    select * from {{ ref("fct_funnel_attempts") }}

),

sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

{{ unknown_numbers("sessions") }},

session_codes as (

    select
        session_id,
        {{ segment_code("sessions") }} as segment_code
    from sessions

),

unknown_code as (

    select {{ segment_code("unknown_numbers") }} as segment_code
    from unknown_numbers

),

{%- if "first_touch" in attributions %}

first_sessions as (

    select
        visitor_id,
        session_id
    from {{ ref("fct_sessions") }}
    where exclusion_reason is null
    qualify row_number() over (partition by visitor_id order by started_at, session_id) = 1

),

first_codes as (

    select
        first_sessions.visitor_id,
        session_codes.segment_code
    from first_sessions
    inner join session_codes on first_sessions.session_id = session_codes.session_id

),
{%- endif %}

funnels as (

    select * from {{ ref("dim_funnel_steps") }}
    where step_number = 1

),

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

judged_days as (

    -- The later the step the sooner its session comes, and of equal steps the session of the earlier day.
    select
        unit_days.funnel_name,
        unit_days.visitor_id,
        unit_days.unit_id,
        unit_days.entry_date,
        {%- for mask in masks %}
        unit_days.{{ mask }},
        {%- endfor %}
        case
            when unit_days.entry_session_id is not null
                then coalesce(entry_codes.segment_code, unknown_code.segment_code)
        end as entry_code,
        case
            when unit_days.last_session_id is not null
                then coalesce(last_codes.segment_code, unknown_code.segment_code)
        end as last_code,
        {{ dbt.datediff("date '1970-01-01'", "unit_days.entry_date", "day") }}
        - unit_days.last_session_step * 1000000 as last_place,
        {{ day_is_mature("unit_days.entry_date", "funnels.outcome_micros", "as_of.as_of_timestamp") }} as is_mature
    from unit_days
    inner join funnels on unit_days.funnel_name = funnels.funnel_name
    cross join as_of
    cross join unknown_code
    left join session_codes as entry_codes on unit_days.entry_session_id = entry_codes.session_id
    left join session_codes as last_codes on unit_days.last_session_id = last_codes.session_id

),

days_of_periods as (

    {{ row_per_variant("judged_days", [
        "funnel_name", "visitor_id", "unit_id", "entry_date", "entry_code", "last_code", "last_place",
        "reached_mask", "continued_mask", "excluded_mask", "is_mature"
    ], [
        {"period_grain": "'all'", "period_start_date": "cast(null as date)"},
        {"period_grain": "'week'", "period_start_date": week_start("entry_date")},
    ]) }}

),

units_of_periods as (

    -- A unit counts once a period: with what its mature days reached, in the segment of its first one, which is known
    -- before the outcome. Without a mature day it stands apart as immature.
    select
        funnel_name,
        period_grain,
        period_start_date,
        visitor_id,
        max(case when is_mature then 1 else 0 end) = 1 as is_mature,
        {%- for mask in masks %}
        bit_or(case when is_mature then {{ mask }} else 0 end) as {{ mask }},
        {%- endfor %}
        {{ first_by("entry_code", ["entry_date"], "is_mature and entry_code is not null") }} as mature_entry_code,
        {{ first_by("entry_code", ["entry_date"], "entry_code is not null") }} as entry_code,
        {{ first_by("last_code", ["last_place"], "is_mature and last_code is not null") }} as mature_last_code,
        {{ first_by("last_code", ["last_place"], "last_code is not null") }} as last_code
    from days_of_periods
    group by funnel_name, period_grain, period_start_date, visitor_id, unit_id

    union all

    select
        funnel_name,
        'day' as period_grain,
        entry_date as period_start_date,
        visitor_id,
        is_mature,
        {%- for mask in masks %}
        case when is_mature then {{ mask }} else 0 end as {{ mask }},
        {%- endfor %}
        entry_code as mature_entry_code,
        entry_code,
        last_code as mature_last_code,
        last_code
    from judged_days

),

mature_attempts as (

    -- Where every attempt counts, each is a unit of its own.
    select
        attempts.funnel_name,
        attempts.visitor_id,
        attempts.entry_date,
        case
            when attempts.entry_session_id is not null
                then coalesce(entry_codes.segment_code, unknown_code.segment_code)
        end as entry_code,
        case
            when attempts.last_session_id is not null
                then coalesce(last_codes.segment_code, unknown_code.segment_code)
        end as last_code,
        attempts.is_mature,
        case when attempts.is_mature then attempts.reached_mask else 0 end as reached_mask,
        case when attempts.is_mature then attempts.continued_mask else 0 end as continued_mask,
        case
            when attempts.is_mature and attempts.is_excluded
                then cast(1 as int64) << (attempts.furthest_step - 1)
            else 0
        end as excluded_mask
    from attempts
    inner join funnels on attempts.funnel_name = funnels.funnel_name
    cross join unknown_code
    left join session_codes as entry_codes on attempts.entry_session_id = entry_codes.session_id
    left join session_codes as last_codes on attempts.last_session_id = last_codes.session_id
    where funnels.counting = 'attempts'

),

attempts_of_periods as (

    {{ row_per_variant("mature_attempts", [
        "funnel_name", "visitor_id", "entry_code", "last_code", "reached_mask", "continued_mask", "excluded_mask",
        "is_mature"
    ], [
        {"period_grain": "'all'", "period_start_date": "cast(null as date)"},
        {"period_grain": "'week'", "period_start_date": week_start("entry_date")},
        {"period_grain": "'day'", "period_start_date": "entry_date"},
    ]) }}

),

units as (

    select
        funnel_name,
        period_grain,
        period_start_date,
        visitor_id,
        is_mature,
        {{ masks | join(", ") }},
        case when is_mature then mature_entry_code else entry_code end as entry_code,
        case when is_mature then mature_last_code else last_code end as last_code
    from units_of_periods

    union all

    select
        funnel_name,
        period_grain,
        period_start_date,
        visitor_id,
        is_mature,
        {{ masks | join(", ") }},
        entry_code,
        last_code
    from attempts_of_periods

),

attributed_units as (

    {%- for attribution in attributions %}
    select
        units.{{ counted_columns | join(", units.") }},
        units.is_mature,
        '{{ attribution }}' as segment_attribution,
        {% if attribution == "first_touch" -%}
        first_codes.segment_code
        {%- else -%}
        units.{{ "entry" if attribution == "entry" else "last" }}_code as segment_code
        {%- endif %}
    from units
    {%- if attribution == "first_touch" %}
    left join first_codes on units.visitor_id = first_codes.visitor_id
    {%- endif %}
    {{ "union all" if not loop.last }}
    {%- endfor %}

),

units_of_codes as (

    select
        units.{{ counted_columns | join(", units.") }},
        units.segment_attribution,
        units.is_mature,
        coalesce(units.segment_code, unknown_code.segment_code) as segment_code,
        count(*) as unit_count
    from attributed_units as units
    cross join unknown_code
    group by
        units.{{ counted_columns | join(", units.") }},
        units.segment_attribution,
        units.is_mature,
        coalesce(units.segment_code, unknown_code.segment_code)

),

counted_units as (

    select
        {{ counted_columns | join(", ") }},
        segment_attribution,
        is_mature,
        unit_count
        {%- for dimension in dimensions %},
        {{ number_of_segment_code("segment_code", loop.index0) }} as {{ dimension }}_number
        {%- endfor %}
    from units_of_codes

),

paired_units as (

    select * from counted_units
    where period_grain in ('{{ var("funnel_pair_grains") | join("', '") }}')

),

units_of_segments as (

    {{ row_per_variant("counted_units", counted_columns + ["segment_attribution", "is_mature", "unit_count"],
        single_variants) }}

    union all

    {{ row_per_variant("paired_units", counted_columns + ["segment_attribution", "is_mature", "unit_count"],
        pair_variants) }}

),

{{ segment_names("sessions") }},

counts as (

    select
        {{ counted_columns | join(", ") }},
        segment_attribution,
        is_mature,
        dimension_number,
        segment_number,
        sum(unit_count) as unit_count
    from units_of_segments
    group by {{ counted_columns | join(", ") }}, segment_attribution, is_mature, dimension_number, segment_number

),

int_funnel_units_counted as (

    select
        counts.{{ counted_columns | join(", counts.") }},
        counts.segment_attribution,
        counts.is_mature,
        segment_names.segment_dimension,
        segment_names.segment_value,
        cast(counts.unit_count as int64) as unit_count
    from counts
    inner join segment_names
        on counts.dimension_number = segment_names.dimension_number
        and counts.segment_number = segment_names.segment_number

)

select * from int_funnel_units_counted
