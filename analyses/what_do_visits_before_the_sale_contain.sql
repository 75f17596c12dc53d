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
        unconverted.session_count as visits_without,
        unconverted.micro_rate as rate_without,
        unconverted.micro_rate_low as rate_without_low,
        unconverted.micro_rate_high as rate_without_high,
        contents.visit_index,
        contents.micro_name
    from contents
    inner join contents as unconverted
        on contents.macro_name = unconverted.macro_name
        and contents.visit_index = unconverted.visit_index
        and contents.micro_name = unconverted.micro_name
    where contents.visit_role = 'before'
        and unconverted.visit_role = 'without'
        and contents.micro_rate is not null
        and unconverted.micro_rate is not null

)

select * from what_do_visits_before_the_sale_contain
order by macro_name asc, visit_index asc, rate_before desc, micro_name asc
