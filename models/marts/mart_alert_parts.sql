{#- microconv watch writes the rows. -#}
with mart_alert_parts as (

    {{ kept_rows() }}

)

select * from mart_alert_parts
