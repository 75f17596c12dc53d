{#- One reason of a lead score, such as "Added to cart x2 (18.4 points)". -#}
{% macro reason_text() -%}
    label || case
        when occurrence_count > 1 then ' x' || cast(occurrence_count as {{ dbt.type_string() }})
        else ''
    end || ' (' || cast(cast(floor(points) as int64) as {{ dbt.type_string() }}) || '.'
    || cast(cast(floor(points * 10) as int64) - cast(floor(points) as int64) * 10 as {{ dbt.type_string() }})
    || ' points)'
{%- endmacro %}
