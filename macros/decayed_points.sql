{#- Points as they are at `until`, as a whole number: they halve with every half-life, in days, that has passed since
    `since`. Both times are microseconds; nothing is worth more before it happened. -#}
{% macro decayed_points(points, since, until, half_life_days) -%}
cast(
            round(
                {{ points }}
                * power(0.5, greatest({{ until }} - {{ since }}, 0) / 86400000000.0 / {{ half_life_days }})
            ) as int64
        )
{%- endmacro %}

{#- What a conversion is worth in all. Learned points were fitted to the last occurrence alone, points set by hand add
    up. `is_learned` must be in the GROUP BY. -#}
{% macro gathered_points(points, is_learned) -%}
cast(case when {{ is_learned }} then max({{ points }}) else sum({{ points }}) end as int64)
{%- endmacro %}
