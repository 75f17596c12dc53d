{#- The CTE `evidence_conversions`: conversions that count, each with its subject. In an incremental model those of the
    visitors that the run recomputes. -#}
{% macro evidence_conversions() -%}
evidence_conversions as (

    select
        *,
        {{ evidence_subject_id() }} as subject_id
    from {{ ref("int_conversions_counted") }}
    where is_counted
        and {{ evidence_subject_id() }} is not null
        and {{ is_evidence_traffic() }}
    {%- if is_incremental() %}
        and visitor_id in (select visitor_id from {{ ref("int_visitors_changed") }})
    {%- endif %}

)
{%- endmacro %}

{#- The CTE `evidence_macros`: the names of the macro-conversions, which evidence is about. -#}
{% macro evidence_macros() -%}
evidence_macros as (

    select conversion_name as macro_name
    from {{ ref("dim_conversions") }}
    where conversion_type = 'macro'

)
{%- endmacro %}

{#- The CTE `evidence_sales`: what macro-conversions brought, in millionths. Needs the CTE `evidence_conversions`. -#}
{% macro evidence_sales() -%}
evidence_sales as (

    select
        subject_id,
        visitor_id,
        conversion_name as macro_name,
        event_timestamp,
        cast(round(coalesce(value_usd, 0) * 1000000) as int64) as value_micros
    from evidence_conversions
    where conversion_type = 'macro'

)
{%- endmacro %}

{#- The CTEs that end in `known_sales`: those of the time before the as-of. Needs the CTE `evidence_window` too. -#}
{% macro known_sales() -%}
{{ evidence_sales() }},

known_sales as (

    select evidence_sales.*
    from evidence_sales
    cross join evidence_window
    where evidence_sales.event_timestamp < evidence_window.as_of_timestamp

)
{%- endmacro %}

{#- The sum of the squares of an amount of money, in hundredths: whole numbers, so that no order of adding shows. -#}
{% macro squared_hundredths(amount) -%}
sum(cast(round(({{ amount }}) * ({{ amount }}) * 100) as int64))
{%- endmacro %}
