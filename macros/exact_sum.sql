{#- A sum of money or points that does not depend on the order of its rows: summed as millionths. -#}
{% macro exact_sum(expression) -%}
    (cast(sum(cast(round(coalesce({{ expression }}, 0) * 1000000) as int64)) as int64) / 1000000.0)
{%- endmacro %}
