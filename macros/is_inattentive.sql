{#- Many pages with less than a tenth of a second of attention each: nobody reads like that. Not none at
    all, since a tag that a machine sets off brings some engagement time along. -#}
{% macro is_inattentive(page_view_count, engaged_msec) -%}
    ({{ page_view_count }} >= {{ var("bot_page_views") | int }} and {{ engaged_msec }} < 100 * {{ page_view_count }})
{%- endmacro %}
