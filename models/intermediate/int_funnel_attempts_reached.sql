{{ config(materialized="view") }}

with walked as (

    select * from {{ ref("int_funnel_steps_walked") }}

),

gathered as (

    select * from {{ ref("int_funnel_steps_gathered") }}

),

int_funnel_attempts_reached as (

    select * from walked
    union all
    select * from gathered

)

select * from int_funnel_attempts_reached
