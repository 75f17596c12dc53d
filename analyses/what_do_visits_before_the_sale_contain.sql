-- What do the first visits of those who buy later contain, beside those of visitors who have not bought?
with contents as (

    select * from {{ ref("mart_visit_contents") }}

),

what_do_visits_before_the_sale_contain as (

    select
        contents.macro_name,
        contents.visit_label,
        contents.micro_label,
        contents.session_count as visits_before,
        contents.micro_rate as rate_before,
        contents.micro_rate_low as rate_before_low,
        contents.micro_rate_high as rate_before_high,
        others.session_count as visits_without,
        others.micro_rate as rate_without,
        others.micro_rate_low as rate_without_low,
        others.micro_rate_high as rate_without_high,
        contents.visit_index,
        contents.micro_name
    from contents
    inner join contents as others
        on contents.macro_name = others.macro_name
        and contents.visit_index = others.visit_index
        and contents.micro_name = others.micro_name
    where contents.visit_role = 'before'
        and others.visit_role = 'without'
        and contents.micro_rate is not null
        and others.micro_rate is not null

)

select * from what_do_visits_before_the_sale_contain
order by macro_name, visit_index, rate_before desc, micro_name
