{#- Wilson's 95 % interval of a rate, without continuity correction (Newcombe 1998, method 3); NULL without
    a base. `successes` and `trials` are counts. -#}
{% macro wilson_low(successes, trials) -%}
    {{ wilson_limit(successes, trials, "-") }}
{%- endmacro %}

{% macro wilson_high(successes, trials) -%}
    {{ wilson_limit(successes, trials, "+") }}
{%- endmacro %}

{% macro wilson_limit(successes, trials, sign) -%}
    {%- set z = "1.959963984540054" -%}
    {%- set n = "cast(" ~ trials ~ " as " ~ type_float64() ~ ")" -%}
    {%- set p = "(" ~ successes ~ " / nullif(" ~ n ~ ", 0))" -%}
    {%- set bounds = ["0", p] if sign == "-" else [p, "1"] -%}
    {#- Rounding must not carry a limit past 0, 1 or the rate itself. -#}
    {#- Said outright, since DuckDB's least and greatest pass over a NULL. #}
    case when {{ trials }} > 0 then least(
        greatest(
            (
                {{ p }} + {{ z }} * {{ z }} / (2 * nullif({{ n }}, 0))
                {{ sign }} {{ z }} * sqrt(
                    {{ p }} * (1 - {{ p }}) / nullif({{ n }}, 0)
                    + {{ z }} * {{ z }} / (4 * nullif({{ n }}, 0) * nullif({{ n }}, 0))
                )
            ) / (1 + {{ z }} * {{ z }} / nullif({{ n }}, 0)), {{ bounds[0] }}
        ), {{ bounds[1] }}
    ) end
{%- endmacro %}
