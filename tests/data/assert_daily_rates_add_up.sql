-- Devices and channels together are the total of the daily mart, for the day and for each of the two dimensions.
with rates as (

    select * from {{ ref("mart_daily_rates") }}

),

daily as (

    select * from {{ ref("mart_daily_conversions") }}
    where segment_dimension in ('all', 'device_category', 'channel_group')

),

sums as (
    {%- for dimension in ["all", "device_category", "channel_group"] %}
    {%- set value = "'all'" if dimension == "all" else dimension %}

    select
        conversion_date,
        conversion_name,
        '{{ dimension }}' as segment_dimension,
        {{ value }} as segment_value,
        sum(converting_session_count) as converting_session_count,
        sum(session_count) as session_count
    from rates
    group by conversion_date, conversion_name{{ "" if dimension == "all" else ", " ~ dimension }}
    {{ "union all" if not loop.last }}
    {%- endfor %}

)

select
    daily.conversion_date,
    daily.conversion_name,
    daily.segment_dimension,
    daily.segment_value,
    daily.converting_session_count,
    sums.converting_session_count as summed_converting_session_count,
    daily.session_count,
    sums.session_count as summed_session_count
from daily
full outer join sums
    on daily.conversion_date = sums.conversion_date
    and daily.conversion_name = sums.conversion_name
    and daily.segment_dimension = sums.segment_dimension
    and daily.segment_value = sums.segment_value
where coalesce(daily.converting_session_count, 0) <> coalesce(sums.converting_session_count, 0)
    or coalesce(daily.session_count, 0) <> coalesce(sums.session_count, 0)
