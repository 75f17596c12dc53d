{#- The query string left of `query` when only allowed parameters without an e-mail address stay. -#}
{% macro allowed_query(query) %}
    {{- return(adapter.dispatch("allowed_query", "micro_conversions")(query)) -}}
{% endmacro %}

{% macro default__allowed_query(query) -%}
    (
        select string_agg(pair, '&' order by position)
        from unnest(split({{ query }}, '&')) as pair with offset as position
        where split(pair, '=')[safe_offset(0)] in ({{ allowed_query_parameters() }})
            and not regexp_contains(pair, r'@|%40')
    )
{%- endmacro %}

{% macro duckdb__allowed_query(query) -%}
    nullif(
        array_to_string(
            list_filter(
                string_split({{ query }}, '&'),
                lambda pair: list_contains([{{ allowed_query_parameters() }}], split_part(pair, '=', 1))
                    and not regexp_matches(pair, '@|%40')
            ), '&'
        ), ''
    )
{%- endmacro %}

{% macro allowed_query_parameters() -%}
    {%- for name in var("allowed_query_parameters") -%}
        '{{ name | replace("'", "") }}'{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
