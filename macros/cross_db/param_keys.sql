{#- The keys of event_params in order, extracted once a row where that makes look-ups cheaper. -#}
{% macro param_keys() %}
    {{- return(adapter.dispatch("param_keys", "micro_conversions")()) -}}
{% endmacro %}

{% macro default__param_keys() %}cast(null as string){% endmacro %}

{% macro duckdb__param_keys() %}list_transform(event_params, lambda ep: ep.key){% endmacro %}
