{#- An array of parameters or properties in which every text value is redacted. -#}
{% macro redact_params(array) %}
    {{- return(adapter.dispatch("redact_params", "micro_conversions")(array)) -}}
{% endmacro %}

{% macro default__redact_params(array) -%}
    array(
        select
            struct(
                cast(ep.key as string) as key,
                struct(
                    {{ redact("cast(ep.value.string_value as string)") }} as string_value,
                    cast(ep.value.int_value as int64) as int_value,
                    cast(ep.value.float_value as float64) as float_value,
                    cast(ep.value.double_value as float64) as double_value
                ) as value
            )
        from unnest({{ array }}) as ep with offset as position
        order by position
    )
{%- endmacro %}

{#- No branch over whole parameters: DuckDB would copy every field once more. -#}
{% macro duckdb__redact_params(array) -%}
    list_transform(
        {{ array }},
        lambda ep: struct_pack(
            key := ep.key,
            value := struct_pack(
                string_value := {{ redact("ep.value.string_value") }},
                int_value := ep.value.int_value,
                float_value := ep.value.float_value,
                double_value := ep.value.double_value
            )
        )
    )
{%- endmacro %}
