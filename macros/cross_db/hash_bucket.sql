{#- A bucket from 0 to `buckets` - 1 (at most 2^31) for a string: the same on both warehouses. -#}
{% macro hash_bucket(expression, buckets) %}
    {{- return(adapter.dispatch("hash_bucket", "micro_conversions")(expression, buckets)) -}}
{% endmacro %}

{% macro default__hash_bucket(expression, buckets) -%}
    mod(cast(concat('0x', substr(to_hex(md5({{ expression }})), 1, 8)) as int64), {{ buckets }})
{%- endmacro %}

{% macro duckdb__hash_bucket(expression, buckets) -%}
    (cast('0x' || substr(md5({{ expression }}), 1, 8) as int64) % {{ buckets }})
{%- endmacro %}
