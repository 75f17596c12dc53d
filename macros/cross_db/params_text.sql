{#- An array of parameters as one text, in order, to compare the content of repeated rows. -#}
{% macro params_text(array) %}
    {{- return(adapter.dispatch("params_text", "micro_conversions")(array)) -}}
{% endmacro %}

{% macro default__params_text(array) -%}
    (
        select
            string_agg(
                coalesce(cast(ep.key as string), '') || '=' || coalesce({{ value_text("ep.value") }}, ''),
                '&' order by position
            )
        from unnest({{ array }}) as ep with offset as position
    )
{%- endmacro %}

{% macro duckdb__params_text(array) -%}
    array_to_string(
        list_transform(
            {{ array }},
            lambda ep: coalesce(ep.key, '') || '=' || coalesce({{ value_text("ep.value") }}, '')
        ), '&'
    )
{%- endmacro %}
