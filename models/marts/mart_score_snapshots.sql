{%- set horizon = (var("evidence_horizon_days") | int) * 86400000000 %}
{#- From the days since something was last done to the number of its bin. -#}
{%- set age_bins = {1: 1, 3: 2, 7: 3, 14: 4, 30: 5} %}
{#- Bins of all that was done as whole numbers, three bits for each: texts in every group would not leave memory. -#}
{%- set things = 20 %}
{%- set ages = ["ages_0", "ages_1", "ages_2"] %}
{%- set of_catalog = "conversion_number, evidence_bit, is_learned, most_millionths, half_life_days" %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ busy_subjects() }},

{{ evidence_subjects() }},

{{ evidence_firsts() }},

{{ evidence_conversions() }},

{{ evidence_macros() }},

catalog as (

    -- Numbers in place of names and texts: what is grouped by then has one small size.
    select
        dim_conversions.conversion_name,
        cast(row_number() over (order by dim_conversions.conversion_name) as int64) as conversion_number,
        evidence_micros.evidence_bit,
        dim_conversions.points_origin = 'learned' as is_learned,
        dim_conversions.lead_points * 1000000 as point_millionths,
        cast(round(dim_conversions.points_cap * 1000000) as int64) as most_millionths,
        dim_conversions.half_life_days
    from {{ ref("dim_conversions") }} as dim_conversions
    left join evidence_micros on dim_conversions.conversion_name = evidence_micros.micro_name

),

cuts as (

    -- Mondays that can be followed to the horizon. What is done in a week is known at the next one's cut.
    select
        weeks.cut_date,
        {{ local_midnight_micros("weeks.cut_date") }} as cut_timestamp
    from (
        select distinct {{ add_days(week_start("event_date"), 7) }} as cut_date
        from {{ ref("int_export_days_counted") }}
    ) as weeks
    cross join evidence_window
    where {{ local_midnight_micros("weeks.cut_date") }} + {{ horizon }} <= evidence_window.as_of_timestamp

),

active_weeks as (

    select
        steps.subject_id,
        {{ add_days(week_start("steps.step_date"), 7) }} as next_cut_date,
        max(steps.step_date) as last_date
    from {{ ref("int_clock_steps") }} as steps
    inner join known_subjects on steps.subject_id = known_subjects.subject_id
    where not known_subjects.is_bot
    group by steps.subject_id, {{ add_days(week_start("steps.step_date"), 7) }}

),

active_subjects as (

    select distinct
        active_weeks.subject_id,
        cuts.cut_date,
        cuts.cut_timestamp
    from active_weeks
    inner join cuts
        on active_weeks.next_cut_date <= cuts.cut_date
        and {{ add_days("active_weeks.last_date", 30) }} >= cuts.cut_date

),

decayed_to_cuts as (

    -- Points as they are at the first cut after: from there on they only halve.
    select
        conversions.subject_id,
        conversions.conversion_date,
        catalog.conversion_number,
        catalog.evidence_bit,
        catalog.is_learned,
        catalog.most_millionths,
        catalog.half_life_days,
        cuts.cut_date as next_cut_date,
        cuts.cut_timestamp as next_cut_timestamp,
        {{ decayed_points(
            "catalog.point_millionths", "conversions.event_timestamp", "cuts.cut_timestamp", "catalog.half_life_days"
        ) }} as point_millionths
    from evidence_conversions as conversions
    inner join catalog on conversions.conversion_name = catalog.conversion_name
    inner join cuts on {{ add_days(week_start("conversions.conversion_date"), 7) }} = cuts.cut_date

),

conversion_weeks as (

    select
        subject_id,
        {{ of_catalog }},
        next_cut_date,
        next_cut_timestamp,
        max(conversion_date) as last_date,
        {{ gathered_points("point_millionths", "is_learned") }} as point_millionths
    from decayed_to_cuts
    group by subject_id, {{ of_catalog }}, next_cut_date, next_cut_timestamp

),

decayed_weeks as (

    select
        subjects.subject_id,
        subjects.cut_date,
        weeks.conversion_number,
        weeks.evidence_bit,
        weeks.is_learned,
        weeks.most_millionths,
        weeks.last_date,
        {{ decayed_points(
            "weeks.point_millionths", "weeks.next_cut_timestamp", "subjects.cut_timestamp", "weeks.half_life_days"
        ) }} as point_millionths
    from active_subjects as subjects
    inner join conversion_weeks as weeks
        on subjects.subject_id = weeks.subject_id
        and subjects.cut_date >= weeks.next_cut_date

),

conversions_at_cuts as (

    select
        subject_id,
        cut_date,
        conversion_number,
        evidence_bit,
        most_millionths,
        max(last_date) as last_date,
        {{ gathered_points("point_millionths", "is_learned") }} as point_millionths
    from decayed_weeks
    group by subject_id, cut_date, conversion_number, evidence_bit, is_learned, most_millionths

),

aged_conversions as (

    select
        subject_id,
        cut_date,
        evidence_bit,
        case
            {%- for days, number in age_bins.items() %}
            when {{ add_days("last_date", days) }} >= cut_date then {{ number }}
            {%- endfor %}
            else 6
        end as age_number,
        least(point_millionths, coalesce(most_millionths, point_millionths)) as point_millionths
    from conversions_at_cuts

),

features as (

    select
        subject_id,
        cut_date,
        {%- for name in ages %}
        cast(
            coalesce(
                sum(
                    case
                        when evidence_bit between {{ loop.index0 * things }} and {{ loop.index * things - 1 }}
                            then cast(age_number as int64) << (3 * (evidence_bit - {{ loop.index0 * things }}))
                    end
                ), 0
            ) as int64
        ) as {{ name }},
        {%- endfor %}
        cast(round(sum(point_millionths) / 1000000.0) as int64) as manual_score
    from aged_conversions
    group by subject_id, cut_date

),

snapshots as (

    select
        subjects.subject_id,
        subjects.cut_date,
        subjects.cut_timestamp,
        {%- for name in ages %}
        coalesce(features.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        coalesce(features.manual_score, 0) as manual_score
    from active_subjects as subjects
    left join features
        on subjects.subject_id = features.subject_id
        and subjects.cut_date = features.cut_date

),

patterns_at_cuts as (

    select
        cut_date,
        {{ ages | join(", ") }},
        manual_score,
        count(*) as subject_change
    from snapshots
    group by cut_date, {{ ages | join(", ") }}, manual_score

),

tallies as (

    -- Everybody once for each macro-conversion; then those who did it, few, who are taken off or seen to convert.
    select
        evidence_macros.macro_name,
        patterns_at_cuts.*,
        0 as converted_change
    from patterns_at_cuts
    cross join evidence_macros

    union all

    select
        first_macros.macro_name,
        snapshots.cut_date,
        {%- for name in ages %}
        snapshots.{{ name }},
        {%- endfor %}
        snapshots.manual_score,
        case when first_macros.macro_date < snapshots.cut_date then -1 else 0 end as subject_change,
        case when first_macros.macro_date < snapshots.cut_date then 0 else 1 end as converted_change
    from snapshots
    inner join first_macros on snapshots.subject_id = first_macros.subject_id
    where first_macros.macro_date < snapshots.cut_date
        or first_macros.macro_timestamp <= snapshots.cut_timestamp + {{ horizon }}

),

counts as (

    select
        macro_name,
        cut_date,
        {{ ages | join(", ") }},
        manual_score,
        sum(subject_change) as subject_count,
        sum(converted_change) as converted_count
    from tallies
    group by macro_name, cut_date, {{ ages | join(", ") }}, manual_score
    having sum(subject_change) > 0

),

patterns as (

    select distinct {{ ages | join(", ") }}
    from counts

),

ages_of_patterns as (

    select
        patterns.*,
        evidence_micros.evidence_bit,
        case
            {%- for name in ages %}
            when evidence_micros.evidence_bit < {{ loop.index * things }}
                then (patterns.{{ name }} >> (3 * (evidence_micros.evidence_bit - {{ loop.index0 * things }}))) & 7
            {%- endfor %}
        end as age_number
    from patterns
    inner join evidence_micros on evidence_micros.evidence_bit is not null

),

named_patterns as (

    select
        {{ ages | join(", ") }},
        {{ texts_in_order(
            "cast(evidence_bit as " ~ dbt.type_string() ~ ") || ':' || cast(age_number as " ~ dbt.type_string() ~ ")",
            "evidence_bit"
        ) }} as age_pattern
    from ages_of_patterns
    where age_number > 0
    group by {{ ages | join(", ") }}

),

mart_score_snapshots as (

    select
        counts.macro_name,
        counts.cut_date,
        coalesce(named_patterns.age_pattern, '') as age_pattern,
        counts.manual_score,
        cast(counts.subject_count as int64) as subject_count,
        cast(counts.converted_count as int64) as converted_count
    from counts
    left join named_patterns
        on counts.ages_0 = named_patterns.ages_0
        and counts.ages_1 = named_patterns.ages_1
        and counts.ages_2 = named_patterns.ages_2

)

select * from mart_score_snapshots
