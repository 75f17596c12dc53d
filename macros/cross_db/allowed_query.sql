{#- The query string `query` with `?` before it when only allowed parameters without an e-mail address stay; empty
    text where none does. `query` holds neither `?` nor `#`. -#}
{% macro allowed_query(query) %}
    {{- return(adapter.dispatch("allowed_query", "micro_conversions")(query)) -}}
{% endmacro %}

{% macro default__allowed_query(query) -%}
    coalesce('?' || (
        select string_agg(pair, '&' order by position)
        from unnest(split({{ query }}, '&')) as pair with offset as position
        where split(pair, '=')[safe_offset(0)] in ({{ allowed_query_parameters() }})
            and not regexp_contains(pair, r'@|%(25)*40')
    ), '')
{%- endmacro %}

{#- One search for all pairs, each between two separators of its own: a lambda over the pairs, and a branch that
    repeats the expression, take several times as long. -#}
{% macro duckdb__allowed_query(query) -%}
    {%- set names = [] -%}
    {%- for name in var("allowed_query_parameters") -%}
        {%- do names.append(modules.re.escape(name | replace("'", ""))) -%}
    {%- endfor -%}
    {%- set without_addresses = "regexp_replace(" ~ query ~ ", '[^&]*(@|%(25)*40)[^&]*', '', 'g')" -%}
    {%- set pairs -%}
        regexp_extract_all(
            '&' || replace({{ without_addresses }}, '&', '&&') || '&',
            '&(?:{{ names | join("|") }})(?:=[^&]*)?&'
        )
    {%- endset -%}
    {%- if names -%}
        rtrim('?' || trim(replace(array_to_string({{ pairs }}, ''), '&&', '&'), '&'), '?')
    {%- else -%}
        ''
    {%- endif -%}
{%- endmacro %}

{% macro allowed_query_parameters() -%}
    {%- for name in var("allowed_query_parameters") -%}
        '{{ name | replace("'", "") }}'{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
