{#- Days of the newest window of `most_days` whose visitors can be followed for `horizon_days`; at least 0. -#}
{% macro window_day_count(first_date, last_date, horizon_days, most_days) -%}
    cast(
        greatest(
            0,
            least(
                {{ most_days }},
                {{ dbt.datediff(first_date, last_date, "day") }} + 1 - {{ horizon_days }}
            )
        ) as int64
    )
{%- endmacro %}
