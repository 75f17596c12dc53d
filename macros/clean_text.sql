{#- Text, NULL where the export says that there is none: the one place that decides. -#}
{% macro clean_text(expression) -%}
    case
        when trim({{ expression }}) not in ('', '(not set)', '(data deleted)', '<Other>')
            then {{ expression }}
    end
{%- endmacro %}
