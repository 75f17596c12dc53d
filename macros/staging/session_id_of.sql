{#- The session number in ga_session_id: an integer, its digits as text, or the digits after `s` in the
    cookie text that some server-side set-ups send since May 2025 (GS2.1.s1747075570$o5$g1…). -#}
{% macro session_id_of(value) -%}
    coalesce(
        {{ value_int(value) }},
        {{ safe_cast_to(
            regexp_group(value ~ ".string_value", "^(?:GS2\\.[0-9]+\\.)?s([0-9]{1,18})(?:[$.].*)?$"), "int64"
        ) }}
    )
{%- endmacro %}
