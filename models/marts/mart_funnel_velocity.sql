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
{%- set variants = {"all": [], "week": []} %}
{%- for segment in segment_variants() if not segment["is_pair"] %}
    {%- set variant = {
        "dimension_number": segment["dimension_number"], "segment_number": segment["number"]
    } %}
    {%- do variants["all"].append(variant) %}
    {%- if segment["is_watched"] %}
        {%- do variants["week"].append(variant) %}
    {%- endif %}
{%- endfor %}

with spells as (

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

described_spells as (

    select
        spells.{{ base | join(", spells.") }},
        {%- for dimension in session_segments("sessions") %}
        coalesce(sessions.{{ dimension }}_number, unknown_numbers.{{ dimension }}_number) as {{ dimension }}_number,
        {%- endfor %}
        spells.is_reached,
        spells.followed_micros
    from spells
    cross join unknown_numbers
    left join sessions on spells.entry_session_id = sessions.session_id

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

    {{ row_per_variant("spells_of_all", base + ["is_reached", "followed_micros"], variants["all"]) }}

    union all

    {{ row_per_variant("spells_of_weeks", base + ["is_reached", "followed_micros"], variants["week"]) }}

),

moments as (

    -- Those who were followed for the same time, together; among them the events come first.
    select
        {{ groups | join(", ") }},
        followed_micros,
        sum(case when is_reached then 1 else 0 end) as event_count,
        count(*) as spell_count
    from spells_of_segments
    group by {{ groups | join(", ") }}, followed_micros

),

risks as (

    select
        *,
        sum(spell_count) over later_moments as at_risk_count,
        sum(event_count) over earlier_moments as events_so_far,
        sum(event_count) over (partition by {{ groups | join(", ") }}) as group_event_count
    from moments
    window
        later_moments as (
            partition by {{ groups | join(", ") }}
            order by followed_micros
            rows between current row and unbounded following
        ),
        earlier_moments as (
            partition by {{ groups | join(", ") }}
            order by followed_micros
            rows between unbounded preceding and current row
        )

),

curves as (

    -- Kaplan-Meier's product as a sum of logarithms, and Greenwood's sum; the end of everybody is said apart.
    select
        *,
        case
            when max(case when event_count = at_risk_count then 1 else 0 end) over earlier_moments = 1 then 0.0
            else exp(
                sum(case when event_count < at_risk_count then ln(1 - event_count / at_risk_count) else 0 end)
                    over earlier_moments
            )
        end as survival,
        sum(
            case
                when event_count < at_risk_count
                    then event_count / (at_risk_count * (at_risk_count - event_count))
                else 0
            end
        ) over earlier_moments as greenwood
    from risks
    window earlier_moments as (
        partition by {{ groups | join(", ") }}
        order by followed_micros
        rows between unbounded preceding and current row
    )

),

ends as (

    select
        *,
        min(survival) over (partition by {{ groups | join(", ") }}) as last_survival
    from curves

),

measured as (

    select
        {{ groups | join(", ") }},
        cast(sum(spell_count) as int64) as started_count,
        cast(sum(event_count) as int64) as reached_count,
        max(followed_micros) as longest_micros,
        {%- for name, share in shares.items() %}
        min(case when events_so_far >= {{ share }} * group_event_count and event_count > 0 then followed_micros end)
            as micros_{{ name }},
        {%- endfor %}
        min(case when 1 - survival >= (1 - last_survival) / 2 - 1e-12 and event_count > 0 then followed_micros end)
            as median_micros,
        {%- for name, micros in horizons.items() %}
        coalesce(min(case when followed_micros <= {{ micros }} then survival end), 1.0) as survival_{{ name }},
        coalesce(max(case when followed_micros <= {{ micros }} then greenwood end), 0.0) as greenwood_{{ name }},
        {%- endfor %}
        min(survival) as survival_window,
        max(greenwood) as greenwood_window
    from ends
    group by {{ groups | join(", ") }}

),

named as (

    select
        measured.*,
        segment_names.segment_dimension,
        segment_names.segment_value,
        steps_from.conversion_name as from_conversion_name,
        steps_from.step_label as from_step_label,
        steps_to.conversion_name as to_conversion_name,
        steps_to.step_label as to_step_label,
        steps_to.window_micros
    from measured
    inner join segment_names
        on measured.dimension_number = segment_names.dimension_number
        and measured.segment_number = segment_names.segment_number
    inner join funnel_steps as steps_from
        on measured.funnel_name = steps_from.funnel_name
        and measured.from_step = steps_from.step_number
    inner join funnel_steps as steps_to
        on measured.funnel_name = steps_to.funnel_name
        and measured.to_step = steps_to.step_number

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
