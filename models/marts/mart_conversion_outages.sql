with silences as (

    select * from {{ ref("mart_conversion_silences") }}

),

mart_conversion_outages as (

    select
        conversion_name,
        conversion_date as outage_date,
        session_count,
        conversion_count,
        expected_count
    from silences
    where is_outage

)

select * from mart_conversion_outages
