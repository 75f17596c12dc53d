{#- The stage that a visitor stands at, over a row of `stages`: the part of the funnel, goals by themselves. -#}
{% macro visitor_stage(stages) -%}
case when {{ stages }}.intent_level = 'customer' then 'customer' else {{ stages }}.funnel_part end
{%- endmacro %}

{#- The stage that a conversion brings a visitor to, over a row of `catalog`: a customer is who reached a goal, so
    that a micro-conversion brings nobody further than the stage before. -#}
{% macro reached_stage_number(catalog) -%}
case
            when {{ catalog }}.conversion_type = 'micro' and {{ catalog }}.intent_level = 'customer'
                then {{ catalog }}.stage_number - 1
            else {{ catalog }}.stage_number
        end
{%- endmacro %}

{#- Counted conversions of visitors, micro and macro, without those of excluded sessions, as stages need them. -#}
{% macro conversions_of_visitors() -%}
    {%- for fact in ["fct_micro_conversions", "fct_macro_conversions"] %}
    select
        conversion_event_id,
        conversion_name,
        visitor_id,
        occurred_at,
        conversion_date
    from {{ ref(fact) }}
    where visitor_id is not null
        and exclusion_reason is null
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
{%- endmacro %}
