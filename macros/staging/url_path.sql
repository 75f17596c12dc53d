{#- The path of a redacted URL: what follows the host, at least `/`. -#}
{% macro url_path(expression) -%}
    {%- set after_host = regexp_group(text_before(expression, "?"), "^[A-Za-z][A-Za-z0-9+.-]*://[^/]*(/.*)$") -%}
    coalesce({{ after_host }}, case when {{ expression }} is not null then '/' end)
{%- endmacro %}

{#- The host of a URL without its port. -#}
{% macro url_host(expression) -%}
    {{ regexp_group(expression, "^[A-Za-z][A-Za-z0-9+.-]*://([^/?#:]+)") }}
{%- endmacro %}
