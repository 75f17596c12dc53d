{#- The sum of the squares of `deviation` over the buckets of visitors, added in a fixed order: the same to the last digit on
    every run. -#}
{% macro squared_deviation(bucket_count) -%}
    {%- for bucket in range(bucket_count) -%}
        coalesce(max(case when bucket_number = {{ bucket }} then deviation * deviation end), 0)
        {{- " + " if not loop.last }}
    {% endfor -%}
{%- endmacro %}
