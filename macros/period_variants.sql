{#- Segments and periods as variants of `row_per_variant`: all of time in every segment, weeks without pairs of
    dimensions, days in those that `by_day` names, a flag of segment_variants(). `date_column` is the date that periods are of. -#}
{% macro period_variants(date_column, has_pairs=true, by_day="is_watched") %}
    {%- set period_starts = {"all": "cast(null as date)", "week": week_start(date_column), "day": date_column} -%}
    {%- set variants = [] -%}
    {%- for segment in segment_variants() if has_pairs or not segment["is_pair"] -%}
        {%- for grain, period_start in period_starts.items()
            if grain == "all" or (grain == "week" and not segment["is_pair"]) or segment[by_day] -%}
            {%- do variants.append({
                "grain_number": (period_starts.keys() | list).index(grain),
                "period_start_date": period_start,
                "dimension_number": segment["dimension_number"],
                "segment_number": segment["number"]
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(variants) -}}
{% endmacro %}

{#- The name of a period by its number in `period_variants`. -#}
{% macro period_grain_name(grain_number) -%}
case {{ grain_number }} when 0 then 'all' when 1 then 'week' else 'day' end
{%- endmacro %}
