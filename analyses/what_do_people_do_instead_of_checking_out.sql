-- What do people do instead of checking out? The most frequent next action after each step that they left at.
with drop_offs as (

    select * from {{ ref("mart_funnel_drop_offs") }}
    where action_kind in ('next_conversion_in_session', 'next_page_in_session', 'exit_page')

),

what_do_people_do_instead_of_checking_out as (

    select
        funnel_name,
        step_number,
        step_label,
        action_kind,
        action_name,
        drop_count,
        drop_off_count,
        share,
        share_low,
        share_high,
        row_number() over (
            partition by funnel_name, step_number, action_kind
            order by drop_count desc, action_name asc
        ) as action_rank
    from drop_offs

)

select * from what_do_people_do_instead_of_checking_out
where action_rank <= 5
order by funnel_name, step_number, action_kind, action_rank
