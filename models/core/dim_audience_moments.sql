{%- set hour = 3600000000 %}

with listed_moments as (

    select * from {{ ref("audience_moments") }}

),

conversions as (

    select * from {{ ref("dim_conversions") }}

),

listed_names as (

    select distinct moment
    from listed_moments

),

micro_conversions as (

    -- A moment of the list goes before a micro-conversion of the same name.
    select
        conversions.conversion_name,
        conversions.label,
        conversions.supports
    from conversions
    left join listed_names on conversions.conversion_name = listed_names.moment
    where conversions.conversion_type = 'micro'
        and coalesce(conversions.supports, '') <> ''
        and listed_names.moment is null

),

all_moments as (

    select
        moment,
        label,
        conversion_name,
        role,
        cast(stall_hours as {{ type_float64() }}) as stall_hours,
        cast(expire_days as {{ type_float64() }}) as expire_days,
        true as is_listed
    from listed_moments

    union all

    -- Every micro-conversion is a moment of its own, which the macro-conversion that it supports ends.
    select
        conversion_name as moment,
        label,
        conversion_name,
        'started' as role,
        cast({{ var("stalled_after_hours") }} as {{ type_float64() }}) as stall_hours,
        cast({{ var("stalled_expire_days") }} as {{ type_float64() }}) as expire_days,
        false as is_listed
    from micro_conversions

    union all

    select
        conversion_name as moment,
        label,
        supports as conversion_name,
        'finished' as role,
        cast({{ var("stalled_after_hours") }} as {{ type_float64() }}) as stall_hours,
        cast({{ var("stalled_expire_days") }} as {{ type_float64() }}) as expire_days,
        false as is_listed
    from micro_conversions

),

dim_audience_moments as (

    select
        all_moments.moment,
        all_moments.label,
        all_moments.conversion_name,
        all_moments.role,
        all_moments.role = 'finished' and conversions.counting = 'once_per_visitor' as is_for_good,
        all_moments.stall_hours,
        all_moments.expire_days,
        cast(round(all_moments.stall_hours * {{ hour }}) as int64) as stall_micros,
        cast(round(all_moments.expire_days * {{ 24 * hour }}) as int64) as expire_micros,
        all_moments.is_listed
    from all_moments
    inner join conversions on all_moments.conversion_name = conversions.conversion_name

)

select * from dim_audience_moments
