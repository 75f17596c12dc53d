{#- Text without personal data: a URL (also without its scheme, or from its path or query on) keeps only allowed
    query parameters (parted by & or ;) and no fragment, and whatever looks like an e-mail address becomes (redacted).
    Most text has none of it and passes unchanged. -#}
{% macro redact(expression) -%}
    {%- set is_url = regexp_found(
        expression, "'^([/?]|[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+(:[0-9]+)?[/?#])'"
    ) -%}
    {%- set address = text_before(expression, "#") -%}
    case
        when {{ text_holds_any(expression, ["?", "@", "#", "%40", "%25"]) }}
            then {{ redact_email(
                "case when " ~ is_url ~ " then " ~ text_before(address, "?") ~ " || "
                ~ allowed_query("replace(" ~ text_after(address, "?") ~ ", ';', '&')") ~ " else " ~ expression ~ " end"
            ) }}
        else {{ expression }}
    end
{%- endmacro %}

{#- Text in which whatever looks like an e-mail address became (redacted). -#}
{% macro redact_email(expression) -%}
    {{ regexp_replace_all(expression, "[^\\s/?&=#:;,()]+(@|%(25)*40)[^\\s/?&=#:;,()]+", "(redacted)") }}
{%- endmacro %}

{#- Whether a text holds one of some plain strings: every text of the export is asked, and searches for strings take
    less than one for a pattern. -#}
{% macro text_holds_any(expression, strings) -%}
    (
        {%- for one in strings -%}
            strpos({{ expression }}, '{{ one }}') > 0{{ " or " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{#- Whether something in a text looks like an e-mail address. -#}
{% macro holds_address(expression) -%}
    ({{ text_holds_any(expression, ["@", "%40"]) }} or {{ regexp_found(expression, "'%(25)+40'") }})
{%- endmacro %}

{#- Like redact, for short names that hold no URL, such as those of items. -#}
{% macro redact_name(expression) -%}
    case when {{ holds_address(expression) }} then {{ redact_email(expression) }} else {{ expression }} end
{%- endmacro %}

{#- An id, by which rows are told apart: what looks like an e-mail address is known by its hash alone. -#}
{% macro redact_id(expression) -%}
    case when {{ holds_address(expression) }} then {{ salted_hash(expression) }} else {{ expression }} end
{%- endmacro %}

{#- What stands for an id that may be personal: the same for the same id and salt, and nothing leads back. -#}
{% macro salted_hash(expression) -%}
    {%- set salt = var("user_id_salt") | replace("'", "") | replace("\\", "") -%}
    substr({{ sha256_hex("'" ~ salt ~ "' || " ~ expression) }}, 1, 32)
{%- endmacro %}
