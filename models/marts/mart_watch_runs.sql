{#- microconv watch writes the rows. -#}
with mart_watch_runs as (

    {{ kept_rows() }}

)

select * from mart_watch_runs
