{#- The end of a 95 % interval of a cumulative incidence 1 - S (log-log, Greenwood): `sign` -1 for the lower end and 1
    for the upper one. Without or with nothing but events Wilson's interval of the group stands in. -#}
{% macro incidence_limit(survival, greenwood, trials, sign) -%}
    case
        when {{ survival }} >= 1
            then {{ "cast(0 as " ~ type_float64() ~ ")" if sign < 0 else wilson_high("0", trials) }}
        when {{ survival }} <= 0
            then {{ wilson_low(trials, trials) if sign < 0 else "cast(1 as " ~ type_float64() ~ ")" }}
        else 1 - power(
            {{ survival }},
            exp({{ sign }} * 1.959963984540054 * sqrt({{ greenwood }}) / abs(ln({{ survival }})))
        )
    end
{%- endmacro %}
