{#- Revenue per `key` from counted conversions. One event can be two macro conversions, such as any purchase and
    a first one: its revenue came once. -#}
{% macro sales_by(key, conversions) %}
    select
        {{ key }},
        {{ exact_sum("revenue_usd") }} as revenue_usd
    from (
        select
            {{ key }},
            event_id,
            max(revenue_usd) as revenue_usd
        from {{ conversions }}
        where revenue_usd is not null
        group by {{ key }}, event_id
    ) as sales
    group by {{ key }}
{% endmacro %}
