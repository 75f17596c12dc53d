{#- How a KPI is counted, in words. -#}
{% macro kpi_rule(definitions) -%}
{%- set numerator = "replace(" ~ definitions ~ ".numerator, '|', ' or ')" -%}
{%- set denominator = definitions ~ ".denominator" -%}
case {{ definitions }}.measure
            when 'share' then 'Share with ' || {{ numerator }} || ' among '
            when 'times' then 'Share with ' || {{ numerator }} || ' among '
            when 'mean' then 'Mean of ' || {{ numerator }} || ' over '
            when 'distinct' then 'Mean number of different ones of ' || {{ numerator }} || ' over '
            else 'Mean days until ' || {{ numerator }} || ', where it happened, over '
        end
        || case
            when {{ definitions }}.unit = 'occurrence' then 'occurrences of ' || {{ denominator }}
            when {{ denominator }} = 'all' then 'the ' || {{ definitions }}.unit || 's of the period'
            when {{ definitions }}.unit = 'session' then 'sessions with ' || {{ denominator }}
            when {{ denominator }} = 'new_visitors' then 'visitors from their first visit on'
            else 'visitors from their first ' || {{ denominator }} || ' on'
        end
        || case
            when {{ definitions }}.measure = 'times' then ', divided by the share among those without it'
            else ''
        end
        || case
            when {{ definitions }}.within_days is not null
                then ', within ' || cast({{ definitions }}.within_days as {{ dbt.type_string() }})
                || ' days, once these have passed'
            else ''
        end
        || case {{ definitions }}.measure
            when 'share' then '; 95 % Wilson interval.'
            when 'times' then '; 95 % interval from the Wilson limits of both (MOVER-R).'
            else '; 95 % interval from how 20 groups of visitors differ.'
        end
{%- endmacro %}
