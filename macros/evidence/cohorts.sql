{#- Ages at which cohorts are looked at, in days after the landmark: the ends of `cohort_weeks` weeks, and the horizon
    of the evidence, at which behaviours are compared. -#}
{% macro cohort_ages() %}
    {%- set ages = [var("evidence_horizon_days") | int] -%}
    {%- for week in range(1, (var("cohort_weeks") | int) + 1) -%}
        {%- do ages.append(7 * week) -%}
    {%- endfor -%}
    {{- return(ages | unique | sort) -}}
{% endmacro %}

{#- The CTEs that end in `cohort_outcomes`: a row per visitor of int_cohort_visitors and macro-conversion, with what was
    done strictly after the landmark, up to each of `ages`. Needs the CTEs `evidence_window` and `evidence_conversions`. -#}
{% macro cohort_outcomes(ages) -%}
{%- set day = 86400000000 -%}
visitors as (

    select * from {{ ref("int_cohort_visitors") }}

),

{{ evidence_macros() }},

{{ evidence_firsts() }},

{{ known_sales() }},

macros_of_visitors as (

    select
        visitor_id,
        conversion_name as macro_name,
        min(first_timestamp) as macro_timestamp
    from known_firsts
    where conversion_type = 'macro'
    group by visitor_id, conversion_name

),

sales_of_visitors as (

    select
        visitors.visitor_id,
        known_sales.macro_name,
        {%- for age in ages %}
        sum(
            case
                when known_sales.event_timestamp <= visitors.landmark_timestamp + {{ age * day }}
                    then known_sales.value_micros
                else 0
            end
        ) as value_micros_{{ age }}{{ "," if not loop.last }}
        {%- endfor %}
    from visitors
    inner join known_sales on visitors.visitor_id = known_sales.visitor_id
    where known_sales.event_timestamp > visitors.landmark_timestamp
    group by visitors.visitor_id, known_sales.macro_name

),

cohort_outcomes as (

    select
        visitors.*,
        evidence_macros.macro_name,
        case when macros_of_visitors.macro_timestamp <= visitors.landmark_timestamp then 1 else 0 end as is_early,
        {%- for age in ages %}
        {{ reached_by("macros_of_visitors.macro_timestamp", "visitors.landmark_timestamp", age * day) }}
            as converted_{{ age }},
        case when visitors.active_mask & {{ 2 ** cohort_ages().index(age) }} <> 0 then 1 else 0 end
            as retained_{{ age }},
        coalesce(sales_of_visitors.value_micros_{{ age }}, 0) as value_micros_{{ age }}{{ "," if not loop.last }}
        {%- endfor %}
    from visitors
    cross join evidence_macros
    left join macros_of_visitors
        on visitors.visitor_id = macros_of_visitors.visitor_id
        and evidence_macros.macro_name = macros_of_visitors.macro_name
    left join sales_of_visitors
        on visitors.visitor_id = sales_of_visitors.visitor_id
        and evidence_macros.macro_name = sales_of_visitors.macro_name

)
{%- endmacro %}

{#- 1 for a moment after `start` and up to `micros` after it, else 0. -#}
{% macro reached_by(moment, start, micros) -%}
case when {{ moment }} > {{ start }} and {{ moment }} <= {{ start }} + {{ micros }} then 1 else 0 end
{%- endmacro %}

{#- The CTE `behaviours`: what visitors are told apart by, `micro_bit` being that of a micro-conversion in
    early_micro_mask; with_all adds everybody. Needs the CTE `evidence_micros`. -#}
{% macro cohort_behaviours(with_all) -%}
behaviours as (

    select
        micro_name as behaviour_name,
        'micro_conversion' as behaviour_kind,
        micro_bit >> {{ placebo_shares() | length }} as micro_bit
    from evidence_micros
    where not is_placebo

    union all

    select
        '(activated)' as behaviour_name,
        'activation' as behaviour_kind,
        0 as micro_bit

    union all

    select
        '(3 or more)' as behaviour_name,
        'number' as behaviour_kind,
        0 as micro_bit
    {%- if with_all %}

    union all

    select
        '(all)' as behaviour_name,
        'all' as behaviour_kind,
        0 as micro_bit
    {%- endif %}

)
{%- endmacro %}

{#- On which side of a behaviour visitors are; NULL on neither, as those with two between 1 and 3. -#}
{% macro behaviour_group() -%}
case behaviours.behaviour_kind
            when 'all' then 'all'
            when 'activation' then case when profiles.is_activated then 'with' else 'without' end
            when 'number'
                then case
                    when profiles.early_micro_count >= 3 then 'with'
                    when profiles.early_micro_count = 1 then 'without'
                end
            else case when profiles.early_micro_mask & behaviours.micro_bit <> 0 then 'with' else 'without' end
        end
{%- endmacro %}

{#- The date at whose end the last visitor of a week was followed for so many days, which a change to summer time
    makes a day later. -#}
{% macro cohort_complete_date(week, days) -%}
case
            when {{ local_midnight_micros(add_days(week, days + 7)) }}
                >= {{ local_midnight_micros(add_days(week, 7)) }} + {{ days * 86400000000 }}
                then {{ add_days(week, days + 6) }}
            else {{ add_days(week, days + 7) }}
        end
{%- endmacro %}
