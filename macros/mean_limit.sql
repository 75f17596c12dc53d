{#- An end of a 95 % interval of the mean of `n` ratings on a scale, from their sum and sum of squares: Student's t of
    the ratings and one more at either end of the scale, so that equal ratings of few people do not pass for certain.
    `sign` is - or +. The t quantile is the normal one with two terms of its expansion in 1 / degrees of freedom
    (Abramowitz and Stegun 26.7.5), good to a thousandth from 10 on. NULL without ratings. -#}
{% macro mean_limit(total, squares, n, lowest, highest, sign) -%}
    {%- set z = 1.959963984540054 -%}
    {%- set first_term = (z ** 3 + z) / 4 -%}
    {%- set second_term = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96 -%}
    {%- set more = "(" ~ n ~ " + 2.0)" -%}
    {%- set freedom = "(" ~ n ~ " + 1.0)" -%}
    {%- set sum = "(" ~ total ~ " + " ~ lowest ~ " + " ~ highest ~ ")" -%}
    {%- set square_sum = "(" ~ squares ~ " + " ~ lowest ~ " * " ~ lowest ~ " + " ~ highest ~ " * " ~ highest ~ ")" -%}
    {%- set mean = total ~ " / " ~ n -%}
    {%- set bounds = [lowest, mean] if sign == "-" else [mean, highest] %}
    case when {{ n }} > 0 then least(
        greatest(
            {{ sum }} / {{ more }}
            {{ sign }} ({{ z }} + {{ first_term }} / {{ freedom }} + {{ second_term }} / {{ freedom }} / {{ freedom }})
            * sqrt(
                greatest({{ square_sum }} - {{ sum }} * {{ sum }} / {{ more }}, 0) / {{ freedom }} / {{ more }}
            ), {{ bounds[0] }}
        ), {{ bounds[1] }}
    ) end
{%- endmacro %}
