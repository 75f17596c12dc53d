{#- The CTEs that end in `evidence_window`: one row with the time that evidence is taken from. What is later than the end
    of `as_of_date` is unknown. Decision points begin at `window_start`, after the washout, in which what is done counts
    as done before; the washout takes what is over after three horizons. -#}
{% macro evidence_window() -%}
{%- set horizon = var("evidence_horizon_days") | int -%}
{%- set as_of = var("evidence_as_of") | string -%}
loaded_time as (

    select
        first_date,
        {% if as_of -%}
        least(as_of_date, date '{{ as_of | replace("'", "") }}') as as_of_date
        {%- else -%}
        as_of_date
        {%- endif %}
    from {{ ref("int_export_as_of") }}

),

washed_out as (

    select
        first_date,
        as_of_date,
        cast(
            greatest(
                0,
                least(
                    {{ var("evidence_lookback_days") | int }},
                    {{ dbt.datediff("first_date", "as_of_date", "day") }} + 1 - {{ 3 * horizon }}
                )
            ) as int64
        ) as washout_days
    from loaded_time

),

evidence_dates as (

    select
        as_of_date,
        washout_days,
        {{ add_days("first_date", "washout_days") }} as window_start_date,
        cast({{ dbt.datediff("first_date", "as_of_date", "day") }} + 1 - washout_days as int64) as window_days
    from washed_out

),

evidence_thirds as (

    -- Of the time whose decision points can be followed to the horizon, where there is any.
    select
        *,
        {{ add_days(
            "window_start_date",
            "cast(floor((case when window_days > " ~ horizon ~ " then window_days - " ~ horizon
            ~ " else window_days end) * 2 / 3.0) as int64)"
        ) }} as third_start_date
    from evidence_dates

),

evidence_window as (

    select
        as_of_date,
        window_start_date,
        third_start_date,
        washout_days,
        {{ local_midnight_micros(add_days("as_of_date", 1)) }} as as_of_timestamp,
        {{ local_midnight_micros("window_start_date") }} as window_start,
        {{ local_midnight_micros("third_start_date") }} as third_start
    from evidence_thirds

)
{%- endmacro %}
