{#- Kaplan-Meier's product over the rows of a window so far, as a sum of logarithms, from the columns event_count and
    at_risk_count. Where everybody left has the event, which can only be at the end, nobody survives. -#}
{% macro survival_so_far(window) -%}
    case
        when event_count > 0 and event_count = at_risk_count then 0.0
        else exp(
            sum(case when event_count < at_risk_count then ln(1 - event_count / at_risk_count) else 0 end)
                over {{ window }}
        )
    end
{%- endmacro %}

{#- Greenwood's sum of the same rows. -#}
{% macro greenwood_so_far(window) -%}
    sum(
        case
            when event_count < at_risk_count then event_count / (at_risk_count * (at_risk_count - event_count))
            else 0
        end
    ) over {{ window }}
{%- endmacro %}

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
