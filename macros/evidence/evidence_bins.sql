{#- Names of the numbers that int_decision_points gives to how many steps there were and how long they took. -#}
{% macro depth_bin() -%}
    case depth_number
        {%- for name in ["1", "2", "3", "4-5", "6-8", "9-12", "13-18", "19-27", "28+"] %}
            when {{ loop.index }} then '{{ name }}'
        {%- endfor %}
        end
{%- endmacro %}

{% macro day_bin() -%}
    case day_number
        {%- for name in ["<30min", "<1d", "<3d", "<7d", "<14d", "14d+"] %}
            when {{ loop.index }} then '{{ name }}'
        {%- endfor %}
        end
{%- endmacro %}

{#- The columns that tell strata apart, from the numbers of their bins to words. -#}
{% macro stratum_columns(with_bins=true) -%}
{%- if with_bins -%}
{{ depth_bin() }} as depth_bin,
        {{ day_bin() }} as day_bin,
        {% endif -%}
device_category,
        channel_group,
        country,
        case when is_new_visitor then 'new' else 'returning' end as visitor_type
{%- endmacro %}
