"""The daily run in Airflow: a sensor that waits for the export, then a task per stage.

Tasks call the project's own environment (MICRO_CONVERSIONS_HOME, made by `make setup`), so that
Airflow and dbt need not agree on versions. `microconv daily --only` keeps its time-outs, its lock
and its log; Airflow adds what it is good at: the calendar, alerts, and running one stage again.
"""

import os
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.sdk import DAG, CronTriggerTimetable

HOME = os.environ.get("MICRO_CONVERSIONS_HOME", "/opt/micro_conversions")
MICROCONV = f"cd '{HOME}' && .venv/bin/microconv"
# As property_time_zone in dbt_project.yml.
TIME_ZONE = "America/New_York"
# The day before the run's, unless the run is triggered with {"day": "2026-11-07"}.
DAY = "{{ params.day or macros.ds_add(dag_run.run_after | ds, -1) }}"
# Stage to the stages it needs; `microconv daily --plan` prints them.
STAGES = {
    "check": [],
    "validate": ["check"],
    "build": ["validate"],
    "correlate": ["build"],
    "value": ["build"],
    "score": ["build"],
    "cohorts": ["build"],
    "lead-lag": ["correlate"],
    "experiments": ["build"],
    "proxy": ["correlate", "experiments"],
    "watch": ["build"],
    "report": ["value", "score", "cohorts", "lead-lag", "proxy"],
    "export": ["value", "score", "cohorts", "lead-lag", "proxy"],
}

with DAG(
    "micro_conversions_daily",
    # GA4 writes a day's table at no set hour, mostly by the next afternoon.
    schedule=CronTriggerTimetable("0 14 * * *", timezone=TIME_ZONE),
    start_date=datetime(2026, 1, 1),
    # A later run reads every day that is not loaded yet: there is nothing to catch up.
    catchup=False,
    max_active_runs=1,
    # DuckDB has one writer.
    max_active_tasks=1,
    params={"day": ""},
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10)},
) as dag:
    wait = BashSensor(
        task_id="wait",
        bash_command=f"{MICROCONV} wait --day {DAY}",
        # It did not come yet.
        retry_exit_code=3,
        mode="reschedule",
        poke_interval=timedelta(minutes=10),
        timeout=timedelta(hours=9),
    )
    tasks = {
        name: BashOperator(
            task_id=name, bash_command=f"{MICROCONV} daily --no-wait --queue 30m --only {name}"
        )
        for name in STAGES
    }
    for name, needs in STAGES.items():
        tasks[name].set_upstream([tasks[one] for one in needs] or [wait])
