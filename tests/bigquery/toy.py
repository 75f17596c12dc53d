"""A dbt project of three models, written to a folder: what the harness itself is tested on."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "dbt_project.yml": """
name: toy
version: "1.0"
profile: toy
flags: {send_anonymous_usage_stats: false}
vars: {ga4_project: none, ga4_dataset: none}
seeds:
  toy:
    channels:
      +column_types: {medium: string, channel: string}
""",
    "profiles.example.yml": """
toy:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{{ env_var('DUCKDB_PATH') }}"
      threads: 1
      settings: {TimeZone: UTC}
""",
    "seeds/channels.csv": "medium,channel\ncpc,Paid\nemail,Email\nnone,\n",
    "macros/toy.sql": """
{% macro raw_events() %}{{ return(adapter.dispatch("raw_events", "toy")()) }}{% endmacro %}
{% macro default__raw_events() %}
(
    select e.event_timestamp, e.event_name, e.user_pseudo_id, e.event_params, e.device
    from {{ source("ga4", "events") }} as e
    where e._table_suffix between '{{ first_shard() }}' and '20991231'
)
{% endmacro %}
{% macro duckdb__raw_events() %}
(select * from read_parquet('{{ env_var("GA4_EXPORT_FILES") }}', union_by_name = true))
{% endmacro %}

{# Asked while compiling; '20200101' where nobody answers. #}
{% macro first_shard() %}
    {%- set query -%}
    select min(regexp_extract(table_name, r'([0-9]{8})$')) as shard
    from `{{ var("ga4_project") }}`.`{{ var("ga4_dataset") }}`.INFORMATION_SCHEMA.TABLES
    {%- endset -%}
    {%- set rows = run_query(query).rows if execute else [] -%}
    {{- return(rows[0][0] if rows and rows[0][0] else "20200101") -}}
{% endmacro %}

{% macro text_param(params, key) %}
    {{- return(adapter.dispatch("text_param", "toy")(params, key)) -}}
{% endmacro %}
{% macro default__text_param(params, key) %}
(select ep.value.string_value from unnest({{ params }}) as ep where ep.key = '{{ key }}' limit 1)
{% endmacro %}
{% macro duckdb__text_param(params, key) %}
(list_filter({{ params }}, lambda ep: ep.key = '{{ key }}')[1]).value.string_value
{% endmacro %}

{% macro seconds(e) %}{{ return(adapter.dispatch("seconds", "toy")(e)) }}{% endmacro %}
{% macro default__seconds(e) %}div({{ e }}, 1000000){% endmacro %}
{% macro duckdb__seconds(e) %}({{ e }} // 1000000){% endmacro %}
""",
    "models/toy.yml": """
sources:
  - name: ga4
    database: "{{ var('ga4_project') }}"
    schema: "{{ var('ga4_dataset') }}"
    tables: [{name: events, identifier: events_*}]
models:
  - name: stg_toy
    columns:
      - {name: event_seconds, data_type: bigint}
      - {name: event_name, data_tests: [not_null]}
  - name: toy_visitors
    columns:
      - {name: visitor_id, data_tests: [unique]}
""",
    "models/stg_toy.sql": """
select
    {{ seconds("e.event_timestamp") }} as event_seconds,
    e.event_name,
    e.user_pseudo_id as visitor_id,
    e.device.category as device_category,
    {{ text_param("e.event_params", "medium") }} as medium
from {{ raw_events() }} as e
""",
    "models/toy_visitors.sql": """
{{ config(
    materialized="incremental",
    unique_key="visitor_id",
    partition_by={"field": "first_date", "data_type": "date"} if target.type == "bigquery" else none
) }}
with visitors as (
    select
        stg_toy.visitor_id,
        date '2020-11-01' as first_date,
        min(channels.channel) as channel,
        count(*) as event_count,
        count(*) / 3 as third
    from {{ ref("stg_toy") }} as stg_toy
    left join {{ ref("channels") }} as channels on stg_toy.medium = channels.medium
    where stg_toy.visitor_id is not null
    {% if is_incremental() %}
        and stg_toy.event_seconds > (select max(t.event_count) from {{ this }} as t)
    {% endif %}
    group by stg_toy.visitor_id
)

select * from visitors
""",
    "models/toy_total.sql": """
select sum(toy_visitors.event_count) as event_count, avg(toy_visitors.third) as mean_third
from {{ ref("toy_visitors") }} as toy_visitors
""",
    "analyses/how_many.sql": 'select count(*) as visitor_count from {{ ref("toy_visitors") }}\n',
}


def write_toy(folder: Path) -> Path:
    """Write the project; returns its folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    return folder
