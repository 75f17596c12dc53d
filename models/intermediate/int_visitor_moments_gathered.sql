{{
    config(
        cluster_by=bigquery_only(["moment", "visitor_id"]),
    )
}}

with {{ moment_conversions() }},

int_visitor_moments_gathered as (

    select
        visitor_id,
        moment,
        max(case when role = 'started' then event_timestamp end) as last_started_timestamp,
        max(case when role = 'finished' then event_timestamp end) as last_finished_timestamp,
        max(case when is_for_good then 1 else 0 end) = 1 as is_finished_for_good
    from moment_conversions
    group by visitor_id, moment
    having max(case when role = 'started' then 1 else 0 end) = 1

)

select * from int_visitor_moments_gathered
