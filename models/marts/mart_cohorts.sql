{%- set ages = cohort_ages() %}
{%- set landmark_days = var("evidence_landmark_days") | int %}
{%- set profile = ["macro_name", "cohort_week", "early_micro_mask", "early_micro_count", "is_activated"] %}
{%- set cohort = ["macro_name", "cohort_week", "behaviour_kind", "behaviour_name", "behaviour_group"] %}
{%- set sums = ["visitor_count", "early_visitor_count"] %}
{%- for age in ages %}
    {%- for name in ["converted", "retained", "value_micros", "value_squared_hundredths"] %}
        {%- do sums.append(name ~ "_" ~ age) %}
    {%- endfor %}
{%- endfor %}
{%- set variants = [] %}
{%- for age in ages %}
    {%- do variants.append({
        "age_days": "cast(" ~ age ~ " as int64)",
        "complete_date": cohort_complete_date("cohort_week", landmark_days + age),
        "converted": "converted_" ~ age,
        "retained": "retained_" ~ age,
        "value_micros": "value_micros_" ~ age,
        "value_squared_hundredths": "value_squared_hundredths_" ~ age
    }) %}
{%- endfor %}

with {{ evidence_micros() }},

{{ evidence_window() }},

{{ evidence_conversions() }},

{{ cohort_outcomes(ages) }},

profiles as (

    -- Visitors who began alike; behaviours are told apart by what they did, not one by one.
    select
        {{ profile | join(", ") }},
        sum(1 - is_early) as visitor_count,
        sum(is_early) as early_visitor_count,
        {%- for age in ages %}
        sum((1 - is_early) * converted_{{ age }}) as converted_{{ age }},
        sum((1 - is_early) * retained_{{ age }}) as retained_{{ age }},
        sum((1 - is_early) * value_micros_{{ age }}) as value_micros_{{ age }},
        {{ squared_hundredths("(1 - is_early) * value_micros_" ~ age ~ " / 1000000.0") }}
            as value_squared_hundredths_{{ age }}{{ "," if not loop.last }}
        {%- endfor %}
    from cohort_outcomes
    group by {{ profile | join(", ") }}

),

{{ cohort_behaviours(with_all=true) }},

sided as (

    select
        profiles.*,
        behaviours.behaviour_kind,
        behaviours.behaviour_name,
        {{ behaviour_group() }} as behaviour_group
    from profiles
    cross join behaviours

),

cohorts as (

    select
        {{ cohort | join(", ") }},
        {%- for name in sums %}
        cast(sum({{ name }}) as int64) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from sided
    where behaviour_group is not null
    group by {{ cohort | join(", ") }}

),

aged as (

    {{ row_per_variant("cohorts", cohort + sums[:2], variants) }}

),

followed as (

    select
        aged.*,
        aged.complete_date <= evidence_window.as_of_date as is_complete
    from aged
    cross join evidence_window

),

counted as (

    -- Half of an outcome compares with nothing: a cohort that can still change is blank.
    select
        *,
        case when is_complete then visitor_count end as followed_count,
        case when is_complete then converted end as converted_count,
        case when is_complete then retained end as retained_count,
        case when is_complete then value_micros / 1000000.0 end as revenue_usd,
        case when is_complete then value_squared_hundredths / 100.0 end as revenue_usd_squared
    from followed

),

mart_cohorts as (

    select
        macro_name,
        cohort_week,
        behaviour_kind,
        behaviour_name,
        behaviour_group,
        age_days,
        complete_date,
        is_complete,
        visitor_count,
        early_visitor_count,
        converted_count,
{{ rate_columns("converted_count", "followed_count", "conversion_rate") }},
        retained_count,
{{ rate_columns("retained_count", "followed_count", "retention_rate") }},
        revenue_usd,
        revenue_usd_squared
    from counted

)

select * from mart_cohorts
