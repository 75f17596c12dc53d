{#- A bucket from 0 to `buckets` - 1 (at most 2^31) for a string: the same on both warehouses. Buckets of other
    `part`s, 0 to 3, are of other digits of the same hash and say nothing about each other. -#}
{% macro hash_bucket(expression, buckets, part=0) %}
    {{- return(adapter.dispatch("hash_bucket", "micro_conversions")(expression, buckets, part)) -}}
{% endmacro %}

{% macro default__hash_bucket(expression, buckets, part) -%}
    mod(cast(concat('0x', substr(to_hex(md5({{ expression }})), {{ 8 * part + 1 }}, 8)) as int64), {{ buckets }})
{%- endmacro %}

{% macro duckdb__hash_bucket(expression, buckets, part) -%}
    (cast('0x' || substr(md5({{ expression }}), {{ 8 * part + 1 }}, 8) as int64) % {{ buckets }})
{%- endmacro %}
