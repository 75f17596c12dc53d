{#- What a person wrote, without e-mail addresses (also written with `(at)`), query parameters of URLs, phone numbers
    and other numbers of seven digits or more, whatever stands between the digits; NULL where there is nothing. Rather
    too much is taken out than too little. -#}
{% macro redact_answer(expression) -%}
    {%- set at = "(@|%(25)*40|\\x{FF20}|\\x{FE6B}|[(\\[{]\\s?at\\s?[)\\]}])" -%}
    {%- set name = "[^\\s/?&=#:;,()<>\\[\\]{}]+" -%}
    {%- set gap = "[\\p{Z}\\s]{0,2}" -%}
    {%- set between = "[\\p{Z}\\p{Pd}\\p{Cf}\\s().,+/_:*]{0,3}" -%}
    {%- set said = clean_text(without_spaces_around(expression)) -%}
    {%- set without_addresses = regexp_replace_all(said, "(?i)" ~ name ~ gap ~ at ~ gap ~ name, "(redacted)") -%}
    {%- set without_queries = regexp_replace_all(without_addresses, "[?&][^\\s=&?]{1,64}=[^\\s]*", "(redacted)") -%}
    {%- set without_numbers = regexp_replace_all(
        without_queries, "[+(]*\\p{Nd}(" ~ between ~ "\\p{Nd}){6,}", "(redacted)"
    ) -%}
    {{ without_spaces_around("substr(" ~ without_numbers ~ ", 1, " ~ (var("feedback_answer_length") | int) ~ ")") }}
{%- endmacro %}

{#- Text without white space at its ends: what `trim` takes for that differs between the warehouses. -#}
{% macro without_spaces_around(expression) -%}
    {{ regexp_replace_all(expression, "^[\\p{Z}\\s]+|[\\p{Z}\\s]+$", "") }}
{%- endmacro %}
