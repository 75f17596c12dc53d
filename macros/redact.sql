{#- Text without personal data: a URL keeps only allowed query parameters and no fragment, and whatever
    looks like an e-mail address becomes (redacted). Most text has none of it and passes unchanged. -#}
{% macro redact(expression) -%}
    {%- set is_url = regexp_found(expression, "'^(/|[A-Za-z][A-Za-z0-9+.-]*://)'") -%}
    {%- set address = text_before(expression, "#") -%}
    case
        when {{ regexp_found(expression, "'[?@#]|%40'") }}
            then {{ redact_email(
                "case when " ~ is_url ~ " then " ~ text_before(address, "?") ~ " || "
                ~ allowed_query(text_after(address, "?")) ~ " else " ~ expression ~ " end"
            ) }}
        else {{ expression }}
    end
{%- endmacro %}

{#- Text in which whatever looks like an e-mail address became (redacted). -#}
{% macro redact_email(expression) -%}
    {{ regexp_replace_all(expression, "[^\\s/?&=#:;,()]+(@|%40)[^\\s/?&=#:;,()]+", "(redacted)") }}
{%- endmacro %}
