{#- Points as they are at `until`: they halve with every half-life, in days, that has passed since `since`. Both times
    are microseconds; nothing is worth more before it happened. -#}
{% macro decayed_points(points, since, until, half_life_days) -%}
{{ points }} * power(0.5, greatest({{ until }} - {{ since }}, 0) / 86400000000.0 / {{ half_life_days }})
{%- endmacro %}
