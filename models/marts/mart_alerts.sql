{#- microconv watch writes the rows. -#}
with mart_alerts as (

    {{ kept_rows() }}

)

select * from mart_alerts
