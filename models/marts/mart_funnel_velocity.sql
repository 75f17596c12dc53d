{{
    config(
        cluster_by=bigquery_only(["funnel_name", "period_grain", "segment_dimension"]),
    )
}}

{%- set base = ["funnel_name", "period_grain", "period_start_date", "from_step", "to_step"] %}
{%- set groups = base + ["dimension_number", "segment_number"] %}
{%- set hour = 3600000000 %}
{%- set horizons = {"1h": hour, "1d": 24 * hour, "3d": 72 * hour, "7d": 168 * hour} %}
{%- set minimum = var("minimum_group_size") %}
{%- set shares = {"p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9} %}

{#- By week only in the two dimensions that alerts look at; pairs of dimensions would be too few to follow. #}
{%- set dimension_count = session_segments("sessions") | length %}
{%- set dimension_numbers = [] %}
{%- for dimension in session_segments("sessions") %}
    {%- do dimension_numbers.append(dimension ~ "_number") %}
{%- endfor %}
{%- set variants = {"all": [], "week": []} %}
{%- for segment in segment_variants() if not segment["is_pair"] %}
    {%- set variant = {
        "group_number":
            "first_group_number + " ~ segment["dimension_number"] * segment_number_base() ~ " + " ~ segment["number"]
    } %}
    {%- do variants["all"].append(variant) %}
    {%- if segment["is_watched"] %}
        {%- do variants["week"].append(variant) %}
    {%- endif %}
{%- endfor %}

with kept_spells as (

    select * from {{ ref("int_funnel_spells") }}

),

sessions as (

    select * from {{ ref("int_sessions_segmented") }}

),

funnel_steps as (

    select * from {{ ref("dim_funnel_steps") }}

),

{{ segment_names("sessions") }},

{{ unknown_numbers("sessions") }},

as_of as (

    select * from {{ ref("int_export_as_of") }}

),

followed_spells as (

    -- Whoever has not got there when the window ends never will and is followed to its end; whose window is still
    -- open is followed to the end of the loaded days.
    select
        spells.funnel_name,
        spells.from_step,
        spells.to_step,
        spells.entry_week,
        spells.is_first_entry,
        {%- for dimension in session_segments("sessions") %}
        coalesce(sessions.{{ dimension }}_number, unknown_numbers.{{ dimension }}_number) as {{ dimension }}_number,
        {%- endfor %}
        case when spells.reached_timestamp is not null then 1 else 0 end as event_count,
        case
            when spells.reached_timestamp is not null then spells.reached_timestamp - spells.started_timestamp
            when spells.window_end_timestamp < as_of.as_of_timestamp then funnel_steps.window_micros
            else as_of.as_of_timestamp - spells.started_timestamp
        end as exact_micros
    from kept_spells as spells
    inner join funnel_steps
        on spells.funnel_name = funnel_steps.funnel_name
        and spells.to_step = funnel_steps.step_number
    cross join as_of
    cross join unknown_numbers
    left join sessions on spells.entry_session_id = sessions.session_id

),

timed_spells as (

    -- To the second that is not over yet: so many moments there are, however many events.
    select
        *,
        cast(ceil(exact_micros / 1000000.0) as int64) * 1000000 as followed_micros
    from followed_spells

),

spells_of_periods as (

    {{ row_per_variant("timed_spells", [
        "funnel_name", "from_step", "to_step", "is_first_entry", "event_count", "followed_micros"
    ] + dimension_numbers, [
        {"period_grain": "'all'", "period_start_date": "cast(null as date)"},
        {"period_grain": "'week'", "period_start_date": "entry_week"},
    ]) }}

),

spells as (

    select * from spells_of_periods
    where period_grain = 'week'
        or is_first_entry

),

spell_bases as (

    select
        {{ base | join(",\n        ") }},
        row_number() over (order by {{ base | join(" asc, ") }} asc)
        * {{ (dimension_count + 1) * segment_number_base() }} as first_group_number
    from spells
    group by {{ base | join(", ") }}

),

described_spells as (

    -- Millions of moments are sorted by group below, so that a group is one number from here on.
    select
        spells.period_grain,
        spell_bases.first_group_number,
        {%- for name in dimension_numbers %}
        spells.{{ name }},
        {%- endfor %}
        spells.event_count,
        spells.followed_micros
    from spells
    inner join spell_bases
        on spells.funnel_name = spell_bases.funnel_name
        and spells.period_grain = spell_bases.period_grain
        and coalesce(spells.period_start_date, date '0001-01-01')
        = coalesce(spell_bases.period_start_date, date '0001-01-01')
        and spells.from_step = spell_bases.from_step
        and spells.to_step = spell_bases.to_step

),

spells_of_all as (

    select * from described_spells
    where period_grain = 'all'

),

spells_of_weeks as (

    select * from described_spells
    where period_grain = 'week'

),

spells_of_segments as (

    {{ row_per_variant("spells_of_all", ["event_count", "followed_micros"], variants["all"]) }}

    union all

    {{ row_per_variant("spells_of_weeks", ["event_count", "followed_micros"], variants["week"]) }}

),

moments as (

    -- Those who were followed for the same time, together; among them the events come first.
    select
        group_number,
        followed_micros,
        cast(sum(event_count) as {{ type_float64() }}) as event_count,
        cast(count(*) as {{ type_float64() }}) as spell_count
    from spells_of_segments
    group by group_number, followed_micros

),

totals as (

    select
        group_number,
        sum(spell_count) as started_count,
        sum(event_count) as reached_count,
        max(followed_micros) as longest_micros
    from moments
    group by group_number

),

-- Counts are added up as floating-point numbers, exact below 2^53: DuckDB's sums of integers are three times as slow.
moments_so_far as (

    select
        group_number,
        followed_micros,
        event_count,
        sum(spell_count) over earlier_moments - spell_count as gone_count,
        sum(event_count) over earlier_moments as events_so_far
    from moments
    window earlier_moments as (
        partition by group_number
        order by followed_micros
        rows between unbounded preceding and current row
    )

),

events_at_risk as (

    select
        moments_so_far.group_number,
        moments_so_far.followed_micros,
        moments_so_far.event_count,
        moments_so_far.events_so_far,
        totals.started_count - moments_so_far.gone_count as at_risk_count
    from moments_so_far
    inner join totals on moments_so_far.group_number = totals.group_number
    where moments_so_far.event_count > 0

),

curves as (

    select
        group_number,
        followed_micros,
        events_so_far,
        {{ survival_so_far("earlier_events") }} as survival,
        {{ greenwood_so_far("earlier_events") }} as greenwood
    from events_at_risk
    window earlier_events as (
        partition by group_number
        order by followed_micros
        rows between unbounded preceding and current row
    )

),

ends as (

    select
        group_number,
        min(survival) as survival_window,
        max(greenwood) as greenwood_window
    from curves
    group by group_number

),

measured as (

    select
        curves.group_number,
        {%- for name, share in shares.items() %}
        min(case when curves.events_so_far >= {{ share }} * totals.reached_count then curves.followed_micros end)
            as micros_{{ name }},
        {%- endfor %}
        min(case when 1 - curves.survival >= (1 - ends.survival_window) / 2 - 1e-12 then curves.followed_micros end)
            as median_micros,
        {%- for name, micros in horizons.items() %}
        min(case when curves.followed_micros <= {{ micros }} then curves.survival end) as survival_{{ name }},
        max(case when curves.followed_micros <= {{ micros }} then curves.greenwood end) as greenwood_{{ name }},
        {%- endfor %}
        min(ends.survival_window) as survival_window,
        min(ends.greenwood_window) as greenwood_window
    from curves
    inner join totals on curves.group_number = totals.group_number
    inner join ends on curves.group_number = ends.group_number
    group by curves.group_number

),

named as (

    -- A group without one event keeps everybody.
    select
        spell_bases.{{ base | join(",\n        spell_bases.") }},
        segment_names.segment_dimension,
        segment_names.segment_value,
        steps_from.conversion_name as from_conversion_name,
        steps_from.step_label as from_step_label,
        steps_to.conversion_name as to_conversion_name,
        steps_to.step_label as to_step_label,
        steps_to.window_micros,
        cast(totals.started_count as int64) as started_count,
        cast(totals.reached_count as int64) as reached_count,
        totals.longest_micros,
        measured.median_micros,
        {%- for name in shares %}
        measured.micros_{{ name }},
        {%- endfor %}
        {%- for name in horizons.keys() | list + ["window"] %}
        coalesce(measured.survival_{{ name }}, 1.0) as survival_{{ name }},
        coalesce(measured.greenwood_{{ name }}, 0.0) as greenwood_{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from spell_bases
    cross join segment_names
    inner join totals
        on spell_bases.first_group_number
        + segment_names.dimension_number * {{ segment_number_base() }}
        + segment_names.segment_number
        = totals.group_number
    left join measured on totals.group_number = measured.group_number
    inner join funnel_steps as steps_from
        on spell_bases.funnel_name = steps_from.funnel_name
        and spell_bases.from_step = steps_from.step_number
    inner join funnel_steps as steps_to
        on spell_bases.funnel_name = steps_to.funnel_name
        and spell_bases.to_step = steps_to.step_number
    where segment_names.dimension_number <= {{ dimension_count }}

),

mart_funnel_velocity as (

    select
        funnel_name,
        period_grain,
        period_start_date,
        segment_dimension,
        segment_value,
        cast(from_step as int64) as from_step,
        cast(to_step as int64) as to_step,
        from_conversion_name,
        from_step_label,
        to_conversion_name,
        to_step_label,
        started_count,
        reached_count,
        {%- for name in shares %}
        case when reached_count >= {{ minimum }} then micros_{{ name }} / 1000000.0 end as seconds_{{ name }},
        {%- endfor %}
        {%- for name, micros in horizons.items() %}
        case when started_count >= {{ minimum }} and longest_micros >= {{ micros }} then 1 - survival_{{ name }} end
            as reached_within_{{ name }},
        case when started_count >= {{ minimum }} and longest_micros >= {{ micros }}
            then {{ incidence_limit("survival_" ~ name, "greenwood_" ~ name, "started_count", -1) }} end
            as reached_within_{{ name }}_low,
        case when started_count >= {{ minimum }} and longest_micros >= {{ micros }}
            then {{ incidence_limit("survival_" ~ name, "greenwood_" ~ name, "started_count", 1) }} end
            as reached_within_{{ name }}_high,
        {%- endfor %}
        case when started_count >= {{ minimum }} and longest_micros >= window_micros then 1 - survival_window end
            as reached_within_window,
        case when started_count >= {{ minimum }} and longest_micros >= window_micros
            then {{ incidence_limit("survival_window", "greenwood_window", "started_count", -1) }} end
            as reached_within_window_low,
        case when started_count >= {{ minimum }} and longest_micros >= window_micros
            then {{ incidence_limit("survival_window", "greenwood_window", "started_count", 1) }} end
            as reached_within_window_high,
        case when reached_count >= {{ minimum }} and longest_micros >= window_micros then median_micros / 1000000.0 end
            as median_seconds_given_reached
    from named

)

select * from mart_funnel_velocity
