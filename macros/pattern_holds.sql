{#- Whether an optional RE2 pattern matches the whole lower-cased text; an empty pattern holds always. -#}
{% macro pattern_holds(expression, pattern) -%}
    (
        coalesce({{ pattern }}, '') = ''
        or {{ regexp_found(
            "lower(coalesce(" ~ expression ~ ", ''))",
            "'^(?:' || coalesce(" ~ pattern ~ ", '') || ')$'"
        ) }}
    )
{%- endmacro %}
