"""The daily run in Airflow: a sensor that waits for the export, then a task per stage.

Tasks call the project's own environment (MICRO_CONVERSIONS_HOME, made by `make setup`), so that
Airflow and dbt need not agree on versions. `microconv daily --only` keeps its time-outs, its lock
and its log; Airflow adds what it is good at: the calendar, alerts, and running one stage again.
"""

from airflow.sdk import DAG
from micro_conversions_stages import EVERY_DAY, STAGES, connect, run_stage, wait_for_export

# DuckDB has one writer, so that tasks run one after the other.
with DAG("micro_conversions_daily", max_active_tasks=1, **EVERY_DAY) as dag:
    connect(wait_for_export(), {name: run_stage(name) for name in STAGES})
