{%- set other_anchors = "('first_visit', 'previous_conversion')" %}

with requirements as (

    -- BigQuery reserves the word `within` unless a table's name stands before it.
    select
        derived.conversion_name,
        derived.requires,
        derived.role,
        derived.at_least,
        coalesce(derived.distinct_by, '') as distinct_by,
        coalesce(derived.within, '') as window_text,
        coalesce(derived.anchor, '') as anchor,
        coalesce(derived.field, '') as field,
        coalesce(derived.operator, '') as operator,
        coalesce(derived.value, '') as value
    from {{ ref("derived_conversions") }} as derived

),

catalog as (

    select * from {{ ref("conversion_catalog") }}

),

needs as (

    select
        conversion_name,
        requires as needed_name
    from requirements
    union distinct
    select
        conversion_name,
        anchor as needed_name
    from requirements

),

deeper_than_0 as (

    select distinct conversion_name
    from requirements

),

{% for level in range(1, var("max_derivation_levels") | int) %}
deeper_than_{{ level }} as (

    select distinct needs.conversion_name
    from needs
    inner join deeper_than_{{ level - 1 }} as needed on needs.needed_name = needed.conversion_name

),
{% endfor %}

levels as (

    -- A conversion of a level needs one of the level before, and none of its own.
    select
        conversion_name,
        cast(count(*) as int64) as level_number
    from (
        {%- for level in range(var("max_derivation_levels") | int) %}
        select conversion_name from deeper_than_{{ level }}
        {{ "union all" if not loop.last }}
        {%- endfor %}
    ) as depths
    group by conversion_name

),

windows as (

    select
        conversion_name,
        max(window_text) = 'session' as is_within_session,
        case
            when max(anchor) = 'first_visit' then 'first_visit'
            when max(anchor) = 'previous_conversion' then 'required'
            when max(anchor) <> '' then 'anchor'
            when max(window_text) = 'session' then 'session'
            else 'history'
        end as opened_by,
        max(
            {{ safe_cast_to("substr(window_text, 1, greatest(strpos(window_text, ' ') - 1, 1))", "int64") }}
            * case
                when strpos(window_text, 'minute') > 0 then cast(60000000 as int64)
                when strpos(window_text, 'hour') > 0 then cast(3600000000 as int64)
                when strpos(window_text, 'day') > 0 then cast(86400000000 as int64)
            end
        ) as window_micros,
        cast(sum(case when role = 'done' then 1 else 0 end) as int64) as done_count,
        max(case when role = 'not_done' then 1 else 0 end) = 1 as is_timed
    from requirements
    group by conversion_name

),

rows_of_windows as (

    select
        conversion_name,
        cast(row_number() over (
            partition by conversion_name
            order by requires, role, at_least, distinct_by, field, operator, value
        ) as int64) as requirement_number,
        role,
        requires as needed_name,
        at_least,
        distinct_by,
        field,
        operator,
        cast({{ safe_cast_to("value", type_float64()) }} as {{ type_float64() }}) as value_number
    from requirements

    union all

    select
        conversion_name,
        cast(0 as int64) as requirement_number,
        'anchor' as role,
        max(anchor) as needed_name,
        cast(1 as int64) as at_least,
        '' as distinct_by,
        '' as field,
        '' as operator,
        cast(null as {{ type_float64() }}) as value_number
    from requirements
    where anchor <> ''
        and anchor not in {{ other_anchors }}
    group by conversion_name

),

int_requirements_leveled as (

    select
        rows_of_windows.conversion_name,
        rows_of_windows.requirement_number,
        rows_of_windows.role,
        rows_of_windows.needed_name,
        rows_of_windows.at_least,
        rows_of_windows.distinct_by,
        rows_of_windows.field,
        rows_of_windows.operator,
        rows_of_windows.value_number,
        windows.opened_by,
        rows_of_windows.role = 'anchor'
        or (rows_of_windows.role = 'done' and windows.opened_by <> 'anchor') as is_opening,
        windows.is_within_session,
        windows.window_micros,
        windows.done_count,
        windows.is_timed,
        catalog.counting,
        levels.level_number
    from rows_of_windows
    inner join windows on rows_of_windows.conversion_name = windows.conversion_name
    inner join levels on rows_of_windows.conversion_name = levels.conversion_name
    inner join catalog on rows_of_windows.conversion_name = catalog.conversion_name

)

select * from int_requirements_leveled
