{#- Visitors fall into buckets by their hash: how much a number differs between these says how sure it is, also where
    a visitor counts many times (a mean per visit, say). -#}
{% macro visitor_bucket(visitor_id) -%}
mod({{ hash_bucket(visitor_id, visitor_number_base()) }}, {{ visitor_bucket_count() }})
{%- endmacro %}

{#- The same bucket from the visitor_number of int_sessions_segmented. -#}
{% macro bucket_of_visitor_number(visitor_number) -%}
mod(mod({{ visitor_number }}, {{ visitor_number_base() }}), {{ visitor_bucket_count() }})
{%- endmacro %}

{% macro visitor_bucket_count() %}{{- return(20) -}}{% endmacro %}

{#- A visitor_number is a multiple of this and the visitor's hash below it. -#}
{% macro visitor_number_base() %}{{- return(4096) -}}{% endmacro %}
