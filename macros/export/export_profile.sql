{#- The columns that tell whether a day is as it should be: of parameters the names alone, since their values are
    most of what a day weighs. -#}
{% macro export_profile_columns() %}
    {{- return({
        "event_date": "string",
        "event_timestamp": "int64",
        "event_name": "string",
        "event_params": [{"key": "string"}],
        "user_pseudo_id": "string",
        "ecommerce": {
            "purchase_revenue_in_usd": "float64", "purchase_revenue": "float64", "transaction_id": "string"
        }
    }) -}}
{% endmacro %}

{#- One row per shard: how many of its rows lack what a build needs. `microconv validate` asks it before a build. -#}
{% macro export_profile(shards) %}
    {%- set week_micros = 7 * 86400 * 1000000 -%}
    {%- set day_start = micros_of_timestamp("cast(shard_date as timestamp)") -%}
    with keyed_rows as (

        select
            *,
            {{ param_keys() }} as param_keys,
            {{ parse_yyyymmdd("event_date") }} as written_date,
            {{ clean_text("user_pseudo_id") }} is not null as is_identified,
            event_timestamp between {{ day_start }} - {{ week_micros }} and {{ day_start }} + {{ week_micros }}
                as is_plausible
        from {{ export_events(shards, export_profile_columns()) }} as export

    ),

    judged_rows as (

        select
            property_id,
            shard_date,
            source_table_kind,
            nullif(trim(event_name), '') is null as lacks_name,
            coalesce(written_date <> shard_date, true) as is_other_date,
            not coalesce(is_plausible, false) as lacks_time,
            coalesce(is_plausible, false)
                and {{ local_date("case when is_plausible then event_timestamp end") }} <> shard_date
                as is_other_local_date,
            is_identified,
            is_identified and not {{ has_param("event_params", "ga_session_id") }} as lacks_session,
            coalesce(event_name = 'page_view', false) as is_page_view,
            coalesce(event_name = 'page_view', false) and not {{ has_param("event_params", "page_location") }}
                as lacks_page,
            coalesce(event_name = 'purchase', false) as is_purchase,
            coalesce(event_name = 'purchase', false) and {{ clean_text("ecommerce.transaction_id") }} is null
                as lacks_order,
            coalesce(event_name = 'purchase', false)
                and coalesce({{ finite("ecommerce.purchase_revenue_in_usd") }}, 0) <= 0
                and coalesce({{ finite("ecommerce.purchase_revenue") }}, 0) <= 0
                as lacks_revenue
        from keyed_rows

    )

    select
        property_id,
        shard_date as event_date,
        source_table_kind,
        count(*) as row_count,
        {%- for counted in [
            "lacks_name", "is_other_date", "lacks_time", "is_other_local_date", "is_identified", "lacks_session",
            "is_page_view", "lacks_page", "is_purchase", "lacks_order", "lacks_revenue"
        ] %}
        sum(case when {{ counted }} then 1 else 0 end) as {{ counted }}_count{{ "," if not loop.last }}
        {%- endfor %}
    from judged_rows
    group by property_id, shard_date, source_table_kind
    order by property_id, event_date
{% endmacro %}

{#- One row per shard and event name: how often it is there. Names beyond the `most` frequent ones are (other). -#}
{% macro export_event_mix(shards, most=300) %}
    with named_rows as (

        select
            property_id,
            shard_date,
            nullif(trim(event_name), '') as event_name,
            count(*) as row_count
        from {{ export_events(shards, {"event_name": "string"}) }} as export
        group by 1, 2, 3

    ),

    ranked_names as (

        select
            event_name,
            row_number() over (order by sum(row_count) desc, event_name) as name_rank
        from named_rows
        where event_name is not null
        group by event_name

    )

    select
        named_rows.property_id,
        named_rows.shard_date as event_date,
        case when ranked_names.name_rank <= {{ most }} then named_rows.event_name else '(other)' end as event_name,
        sum(named_rows.row_count) as row_count
    from named_rows
    inner join ranked_names on named_rows.event_name = ranked_names.event_name
    group by 1, 2, 3
    order by 1, 2, 3
{% endmacro %}
