{#- Whether a rule's condition holds for the text of its field. A missing field is
    empty text, so that only is_not_set and the operators with `not` hold for it. -#}
{% macro condition_holds(text, operator, value, value_number) -%}
    {#- Text such as NaN is no number; DuckDB would have it above any other. -#}
    {%- set number = finite(safe_cast_to(text, type_float64())) -%}
    coalesce(
        case {{ operator }}
            when 'equals' then {{ text }} = {{ value }}
            when 'not_equals' then {{ text }} <> {{ value }}
            when 'contains' then strpos({{ text }}, {{ value }}) > 0
            when 'not_contains' then strpos({{ text }}, {{ value }}) = 0
            when 'starts_with' then starts_with({{ text }}, {{ value }})
            when 'ends_with' then ends_with({{ text }}, {{ value }})
            when 'matches' then {{ regexp_found(text, value) }}
            when 'in'
                then strpos({{ text }}, '|') = 0 and strpos('|' || {{ value }} || '|', '|' || {{ text }} || '|') > 0
            when 'at_least' then {{ number }} >= {{ value_number }}
            when 'at_most' then {{ number }} <= {{ value_number }}
            when 'greater_than' then {{ number }} > {{ value_number }}
            when 'less_than' then {{ number }} < {{ value_number }}
            when 'is_set' then {{ text }} <> ''
            when 'is_not_set' then {{ text }} = ''
        end,
        false
    )
{%- endmacro %}
